using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tests.Evaluation;

public sealed class LeaveOneOutSplitTests
{
    private readonly LeaveOneOutSplit _split = new(Logs.Of(5, [1, 2, 3, 4], [5], [2, 2], [3, 1, 5]));

    [Fact]
    public void TrainingItems_AreAllButTheLastTwo_OfShortHistoriesAll()
    {
        Assert.Equal([0, 3], _split.EvaluatedUsers);
        Assert.Equal([[1, 2], [5], [2, 2], [3]], Enumerable.Range(0, 4).Select(u => _split.TrainingItemsOf(u).ToArray()));
        Assert.Equal([0, 1, 3, 1, 0, 1], _split.CountTrainingItems());
        Assert.Equal<ushort>([1, 2], _split.TrainingContextOf(0, 0).ToArray());
    }

    [Fact]
    public void Questions_HaveTheWholeHistoryAndTheTargetsContext()
    {
        var (validation, test) = (_split.ValidationQuestion(0), _split.TestQuestion(0));

        Assert.Equal((3, 4), (_split.TargetOf(SplitPart.Validation, 0), _split.TargetOf(SplitPart.Test, 0)));
        Assert.Equal((0, 0), (validation.User, test.User));
        Assert.Equal([1, 2], validation.History.ToArray());
        Assert.Equal([1, 2, 3], test.History.ToArray());
        Assert.Equal<ushort>([3], validation.Context.ToArray());
        Assert.Equal<ushort>([4], test.Context.ToArray());
    }

    [Fact]
    public void Question_OfAUserWithoutTarget_Throws() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _split.TestQuestion(2));
}
