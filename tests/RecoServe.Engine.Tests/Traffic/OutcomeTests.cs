using RecoServe.Engine.Batching;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;
using RecoServe.Engine.Traffic;

namespace RecoServe.Engine.Tests.Traffic;

public sealed class OutcomeTests
{
    private static readonly (Exception Exception, OutcomeKind? Expected)[] Cases =
    [
        (new InvalidLogitsException(1, float.NaN), OutcomeKind.Invalid),
        (new ModelRunException("toy/2", new InvalidOperationException()), OutcomeKind.Failed),
        (new InvalidCastException(), OutcomeKind.Failed), // nobody expected it: a defect that this version brings to light
        (new OverflowException(), OutcomeKind.Failed),
        (new OverloadedException("toy/2", "", TimeSpan.Zero), OutcomeKind.Late),
        (new DeadlineExceededException("toy/2", ""), OutcomeKind.Late),
        (new InvalidRequestException("x", ""), null),
        (new ModelStateException(""), null),
        (new AnswerMemoryException(TimeSpan.Zero), null),
        (new TaskCanceledException(), null),
    ];

    [Fact]
    public void Of_EveryKind_BlamesTheVersionOrNobody() => Assert.All(Cases, c => Assert.Equal(c.Expected, Outcome.Of(c.Exception, isLate: false)));

    /// <summary>The deadline cancels a call, as callers do who go away.</summary>
    [Fact]
    public void Of_CancelledAtTheDeadline_BlamesTheVersion() => Assert.Equal(OutcomeKind.Late, Outcome.Of(new TaskCanceledException(), isLate: true));

    [Fact]
    public void Failed_Unexpected_IsCounted()
    {
        using var metrics = new EngineMetrics();
        using var version = metrics.ForVersion("toy", 2, TimeProvider.System);
        version.Failed(new InvalidCastException(), isLate: false, TimeSpan.FromSeconds(1));
        version.Failed(new TaskCanceledException(), isLate: false, TimeSpan.FromSeconds(1));
        version.Failed(new TaskCanceledException(), isLate: true, TimeSpan.FromSeconds(1));
        Assert.Equal((2, TimeSpan.FromSeconds(2)), (version.Statistics.Fail.Count, version.Statistics.Fail.Total));
    }
}
