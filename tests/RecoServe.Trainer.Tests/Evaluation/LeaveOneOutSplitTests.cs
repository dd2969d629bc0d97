using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tests.Evaluation;

public sealed class LeaveOneOutSplitTests
{
    private readonly LeaveOneOutSplit _split = new(Logs.Of(5, [1, 2, 3, 4], [5], [2, 2], [3, 1, 5]));

    [Fact]
    public void TrainingItems_AreAllButTheLastTwo_OfShortHistoriesAll()
    {
        Assert.Equal([[1, 2], [5], [2, 2], [3]], Enumerable.Range(0, 4).Select(u => _split.TrainingItemsOf(u).ToArray()));
        Assert.Equal([0, 1, 3, 1, 0, 1], _split.CountTrainingItems());
        Assert.Equal([3, 1, 2, 2], _split.LengthsBeforeTest());
    }

    [Fact]
    public void Questions_HaveTheWholeHistoryAndTheTargetsContext()
    {
        var (validation, test) = (_split.HeldOutOf(SplitPart.Validation), _split.HeldOutOf(SplitPart.Test));

        Assert.Equal([0, 3], test.Select(q => q.User));
        Assert.Equal([0, 3], validation.Select(q => q.User));
        Assert.Equal((3, 4), (Assert.Single(validation[0].Items.ToArray()), Assert.Single(test[0].Items.ToArray())));
        Assert.Equal([1, 2], _split.QuestionOf(validation[0]).History.ToArray());
        Assert.Equal([1, 2, 3], _split.QuestionOf(test[0]).History.ToArray());
        Assert.Equal<ushort>([3], _split.QuestionOf(validation[0]).Context.ToArray());
        Assert.Equal<ushort>([4], _split.QuestionOf(test[0]).Context.ToArray());
        Assert.Equal(0, _split.QuestionOf(test[0]).User);
    }
}
