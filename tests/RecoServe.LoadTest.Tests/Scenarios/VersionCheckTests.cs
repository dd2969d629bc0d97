using RecoServe.Contracts.V1;
using RecoServe.LoadTest.Scenarios;
using RecoServe.LoadTest.Targets;

namespace RecoServe.LoadTest.Tests.Scenarios;

public sealed class VersionCheckTests
{
    private readonly VersionCheck _check = new();

    [Fact]
    public void Check_VersionThatServes_IsRight()
    {
        _check.Check(AnswerOf(2, says: 2), _check.Phase);
        Swap();
        _check.Check(AnswerOf(1, says: 1), _check.Phase);
        Assert.Equal(0, _check.WrongAnswers);
    }

    [Fact]
    public void Check_OtherVersionThanItSays_IsWrong()
    {
        _check.Check(AnswerOf(1, says: 2), _check.Phase);
        Assert.Equal(1, _check.WrongAnswers);
    }

    [Fact]
    public void Check_VersionThatWasUnloadedBeforeTheCall_IsWrong()
    {
        Swap();
        _check.Check(AnswerOf(2, says: 2), _check.Phase);
        Assert.Equal(1, _check.WrongAnswers);
    }

    [Fact]
    public void Check_EitherVersionDuringASwap_IsRight()
    {
        var before = _check.Phase;
        _check.BeginSwap();
        _check.Check(AnswerOf(1, says: 1), before);
        _check.Check(AnswerOf(2, says: 2), before);
        _check.EndSwap();
        _check.Check(AnswerOf(2, says: 2), before);
        Assert.Equal(0, _check.WrongAnswers);
    }

    private static RecommendResponse AnswerOf(int version, int says) =>
        new() { ModelVersion = says, Items = { new RecommendedItem { Logit = version == 2 ? Models.TwinShift : 0 } } };

    private void Swap()
    {
        _check.BeginSwap();
        _check.EndSwap();
    }
}
