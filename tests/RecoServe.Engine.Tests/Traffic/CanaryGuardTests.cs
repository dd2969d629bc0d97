using Microsoft.Extensions.Time.Testing;
using RecoServe.Engine.Sampling;
using RecoServe.Engine.Traffic;

namespace RecoServe.Engine.Tests.Traffic;

/// <summary>Requests of a canary and of the version beside it, as they could come, on a clock that is advanced.</summary>
public sealed class CanaryGuardTests
{
    private const int FewItems = 50;

    private static readonly SlateComparison Alike = new(0.7, 0.8, 0.2);

    private readonly FakeTimeProvider _clock = new();

    /// <summary>Latencies with a heavy tail, a pause in every few hundred requests that hits whoever is there, one request in two hundred that fails in either.</summary>
    [Fact]
    public void Record_GoodCanary_IsNeverRolledBackInAHundredTrials()
    {
        for (var trial = 0; trial < 100; trial++)
        {
            var random = new Random(trial);
            var guard = new CanaryGuard(new RollbackOptions(), _clock);
            for (var request = 0; request < 10_000; request++)
            {
                var byCanary = random.Next(10) == 0;
                var pause = request % 400 < 20 ? 0.2 : 0;
                var verdict = guard.Record(
                    byCanary, random.Next(200) == 0 ? OutcomeKind.Failed : OutcomeKind.Answered, Latency(random, 0.002) + TimeSpan.FromSeconds(pause), Math.Exp(0.5 * Normal(random)));
                if (byCanary && request % 7 == 0)
                    verdict ??= guard.Compare(new SlateComparison(random.Next(100) < 10 ? 0 : 0.4, 0.5, 0.3, Personal: 0.6 + (0.4 * Normal(random))));
                Assert.True(verdict is null, $"trial {trial}, request {request}: {verdict?.Reason}");
                _clock.Advance(TimeSpan.FromMilliseconds(10));
            }
        }
    }

    /// <summary>Only the canary is there while the machine pauses: 80 of its requests, at once, but once.</summary>
    [Fact]
    public void Record_OnePauseHitsTheCanaryAlone_IsNotRolledBack()
    {
        var (guard, random) = (new CanaryGuard(new RollbackOptions(), _clock), new Random(1));
        for (var request = 0; request < 4000; request++)
            Assert.Null(Ask(guard, random, request, canarySeconds: request is > 2000 and < 2160 ? 1 : 0.002));
    }

    [Fact]
    public void Record_BothVersionsSlowAlike_IsNotRolledBack()
    {
        var (guard, random) = (new CanaryGuard(new RollbackOptions(), _clock), new Random(1));
        for (var request = 0; request < 4000; request++)
            Assert.Null(Ask(guard, random, request, canarySeconds: 0.2, otherSeconds: 0.2));
    }

    [Fact]
    public void Record_SlowCanary_IsRolledBackForItsLatency()
    {
        var (verdict, requests) = Judge(canarySeconds: 0.05);
        Assert.Equal(VerdictKind.Latency, verdict.Kind);
        Assert.Matches(@"^nine in ten requests took up to \d+\.\d ms, of the other version's up to \d\.\d ms$", verdict.Reason);
        Assert.InRange(requests, 190, 500);
    }

    /// <summary>Every second batch of the machine is the canary's, and all wait for it.</summary>
    [Fact]
    public void Record_BothWaitForTheSlowCanary_IsRolledBackForItsBatches()
    {
        var (guard, random) = (new CanaryGuard(new RollbackOptions(), _clock), new Random(1));
        Verdict? verdict = null;
        for (var request = 0; request < 1000 && verdict is null; request++)
            verdict = guard.Record(request % 2 == 0, OutcomeKind.Answered, Latency(random, 0.2), (request % 2 == 0 ? 4 : 1) * Math.Exp(0.2 * Normal(random)));
        Assert.Equal(VerdictKind.Latency, verdict?.Kind);
        Assert.Matches(@"^nine in ten batches took up to [45]\.\d times what the other version takes for such batches, its own up to 1\.\d times$", verdict!.Reason);
    }

    [Fact]
    public void Record_CanaryTooLateToAnswer_IsRolledBackForItsLatency() =>
        Assert.Equal(VerdictKind.Latency, Judge(kind: i => i % 3 == 0 ? OutcomeKind.Late : OutcomeKind.Answered).Verdict.Kind);

    [Fact]
    public void Record_CanaryFailsOneInTen_IsRolledBackForErrors()
    {
        var (verdict, _) = Judge(kind: i => i % 10 < 2 ? OutcomeKind.Failed : OutcomeKind.Answered);
        Assert.Equal(VerdictKind.Errors, verdict.Kind);
        Assert.Matches(@"^\d+ of \d+ requests failed, of the other version's 0 of \d+$", verdict.Reason);
    }

    [Fact]
    public void Record_BothFailAlike_IsNotRolledBack()
    {
        var (guard, random) = (new CanaryGuard(new RollbackOptions(), _clock), new Random(1));
        for (var request = 0; request < 4000; request++)
            Assert.Null(guard.Record(request % 2 == 0, random.Next(10) == 0 ? OutcomeKind.Failed : OutcomeKind.Answered, Latency(random, 0.002)));
    }

    [Fact]
    public void Record_CanaryGivesNaN_IsRolledBackWithinAFewRequests()
    {
        var guard = new CanaryGuard(new RollbackOptions(), _clock);
        Assert.Null(guard.Record(true, OutcomeKind.Invalid, default)); // one could be a request that nobody can compute
        Assert.Null(guard.Record(true, OutcomeKind.Invalid, default));
        Assert.Equal(new Verdict(VerdictKind.Invalid, "3 of 3 answers were NaN or infinite"), guard.Record(true, OutcomeKind.Invalid, default));
    }

    [Fact]
    public void Record_RareNaN_IsRolledBackAllTheSame() =>
        Assert.Equal(VerdictKind.Invalid, Judge(kind: i => i % 50 == 0 ? OutcomeKind.Invalid : OutcomeKind.Answered).Verdict.Kind);

    [Fact]
    public void Compare_NothingInCommon_IsRolledBackForDrift()
    {
        var guard = new CanaryGuard(new RollbackOptions(), _clock);
        for (var i = 0; i < 49; i++)
            Assert.Null(guard.Compare(new SlateComparison(0.01, 0, 3)));
        Assert.Equal(VerdictKind.Drift, guard.Compare(new SlateComparison(0.01, 0, 3))?.Kind);
    }

    /// <summary>
    /// Fifty items; half of the requests name twenty candidates. What all users like and what one user likes weigh the same, and both versions have learned it with as
    /// much noise: their orders correlate by a third. A bad one has the items mixed up.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Compare_CatalogueOfFiftyItems_GoodCanariesStayAndMixedUpOnesGoInAHundredTrials(bool mixedUp)
    {
        var rolledBack = Enumerable.Range(0, 100).Count(trial =>
        {
            var random = new Random(trial);
            var guard = new CanaryGuard(new RollbackOptions(), _clock);
            var popularity = Normals(random);
            var places = Enumerable.Range(0, FewItems).ToArray();
            if (mixedUp)
                random.Shuffle(places);
            return Enumerable.Range(0, 1000).Any(request => guard.Compare(CompareFew(random, popularity, places, withCandidates: request % 2 == 0)) is not null);
        });
        if (mixedUp)
            Assert.InRange(rolledBack, 80, 100);
        else
            Assert.Equal(0, rolledBack);
    }

    /// <summary>The overlap of a large catalogue is proof enough, and its tail has no order to speak of.</summary>
    [Theory]
    [InlineData(0.1, 0.2, 0.5, true)]
    [InlineData(0.1, 0.04, 0.5, false)]
    [InlineData(0.1, 0.2, 1.5, false)]
    [InlineData(0.1, 0.2, double.NaN, false)]
    [InlineData(0, 0.2, 0.5, false)]
    public void Compare_SlatesMeetByChance_OrderIsJudged(double minOverlap, double byChance, double agreement, bool rolledBack)
    {
        var guard = new CanaryGuard(new RollbackOptions { MinOverlap = minOverlap }, _clock);
        Assert.Equal(rolledBack, Enumerable.Range(0, 100).Any(_ => guard.Compare(Alike with { ByChance = byChance, Agreement = agreement }) is not null));
    }

    /// <summary>They have in common what everybody is recommended.</summary>
    [Theory]
    [InlineData(0.1, 0.1, true)]
    [InlineData(0.1, 0.4, false)]
    [InlineData(0.1, double.NaN, false)]
    [InlineData(0, 0.1, false)]
    public void Compare_ItKnowsNothingOfTheUser_IsRolledBackForDrift(double minOverlap, double personal, bool rolledBack)
    {
        var guard = new CanaryGuard(new RollbackOptions { MinOverlap = minOverlap }, _clock);
        Assert.Equal(rolledBack, Enumerable.Range(0, 100).Any(_ => guard.Compare(Alike with { Personal = personal }) is not null));
    }

    /// <summary>Four in five are new, and of them no version knows anything.</summary>
    [Fact]
    public void Compare_FewAreKnown_IsJudgedByThose()
    {
        var guard = new CanaryGuard(new RollbackOptions(), _clock);
        for (var i = 0; i < 4 + (5 * 48); i++)
            Assert.Null(guard.Compare(Alike with { Personal = i % 5 == 4 ? 0.1 : double.NaN }));
        Assert.Null(guard.Compare(Alike with { Personal = 0.1 }));
        Assert.Equal("50 of 50 compared answers have next to nothing of what the other version knows of the user", guard.Compare(Alike with { Personal = 0.1 })?.Reason);
    }

    [Theory]
    [InlineData(0.7, -0.1, 0.2, true)]
    [InlineData(0.7, 0.8, 2.5, true)]
    [InlineData(0.7, 0.8, double.NaN, true)]
    [InlineData(0.7, 0.8, 0.2, false)]
    public void Compare_BoundsOfRankAndDrift_AreJudgedIfSet(double overlap, double rank, double drift, bool rolledBack)
    {
        var guard = new CanaryGuard(new RollbackOptions { MinRankCorrelation = 0.2, MaxScoreDrift = 1 }, _clock);
        Assert.Equal(rolledBack, Enumerable.Range(0, 100).Any(_ => guard.Compare(new SlateComparison(overlap, rank, drift)) is not null));
    }

    [Fact]
    public void Record_OldRequests_AreForgotten()
    {
        var (guard, random) = (new CanaryGuard(new RollbackOptions(), _clock), new Random(1));
        for (var i = 0; i < 18; i++) // of a hundred, they would be too many
            Assert.Null(guard.Record(true, OutcomeKind.Failed, default));
        _clock.Advance(TimeSpan.FromMinutes(11));
        for (var request = 0; request < 1000; request++)
            Assert.Null(Ask(guard, random, request));
        Assert.Null(guard.Compare(Alike));
    }

    private static SlateComparison CompareFew(Random random, double[] popularity, int[] places, bool withCandidates)
    {
        using var mask = ItemMask.Rent(FewItems);
        if (withCandidates)
            mask.ExcludeAllBut([.. Enumerable.Range(1, FewItems).OrderBy(_ => random.Next()).Take(20)]);
        var (user, noise, otherNoise) = (Normals(random), Normals(random), Normals(random));
        return SlateComparisonTests.Compare(
            i => popularity[i - 1] + user[i - 1] + (1.4 * noise[i - 1]), i => popularity[places[i - 1]] + user[places[i - 1]] + (1.4 * otherNoise[i - 1]), slateSize: 10, FewItems, mask);
    }

    private static double[] Normals(Random random) => [.. Enumerable.Range(0, FewItems).Select(_ => Normal(random))];

    private static TimeSpan Latency(Random random, double seconds) => TimeSpan.FromSeconds(seconds * Math.Exp(0.8 * Normal(random)));

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private Verdict? Ask(CanaryGuard guard, Random random, int request, double canarySeconds = 0.002, double otherSeconds = 0.002)
    {
        _clock.Advance(TimeSpan.FromMilliseconds(10));
        var byCanary = request % 2 == 0;
        return guard.Record(byCanary, OutcomeKind.Answered, Latency(random, byCanary ? canarySeconds : otherSeconds));
    }

    /// <summary>Asks until there is a verdict, every second request of the canary.</summary>
    private (Verdict Verdict, int Requests) Judge(double canarySeconds = 0.002, Func<int, OutcomeKind>? kind = null)
    {
        var (guard, random) = (new CanaryGuard(new RollbackOptions(), _clock), new Random(1));
        for (var request = 0; request < 5000; request++)
        {
            if (Ask(guard, random, (2 * request) + 1) is not null)
                Assert.Fail("the other version is not judged");
            if (guard.Record(true, kind?.Invoke(request) ?? OutcomeKind.Answered, Latency(random, canarySeconds)) is { } verdict)
                return (verdict, 2 * request);
        }

        throw new InvalidOperationException("it was not rolled back");
    }
}
