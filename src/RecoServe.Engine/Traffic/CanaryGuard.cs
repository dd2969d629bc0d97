using System.Globalization;

namespace RecoServe.Engine.Traffic;

/// <summary>
/// Judges a canary by the requests of a sliding window, against the version that answers the others in the same time. Thread-safe.
/// </summary>
/// <remarks>
/// Each test asks how likely the canary's count would be if it were just within the bounds (exact binomial tail), and needs less
/// than <see cref="RollbackOptions.FalseAlarm"/>. Requests that come together are slow together, which a test of independent ones does not
/// know: so latency must be beyond the bound in the older and in the newer half of the window, and one pause proves nothing.
/// </remarks>
internal sealed class CanaryGuard(RollbackOptions options, TimeProvider clock)
{
    /// <summary>The quantile of latency that is compared.</summary>
    private const double Quantile = 0.9;

    /// <summary>Of what the other version makes of the user, the share that a canary which knows the user has at least in half of its answers.</summary>
    private const double LeastPersonal = 0.25;

    /// <summary>Requests between two looks at what only adds up slowly.</summary>
    private const int LookEvery = 20;

    private readonly Lock _lock = new();
    private readonly long _epoch = clock.GetTimestamp();
    private readonly OutcomeWindow _canary = new(options.Window);
    private readonly OutcomeWindow _other = new(options.Window);
    private readonly OutcomeWindow _comparisons = new(options.Window);

    /// <summary>Those of the comparisons that tell whether it knows the user.</summary>
    private readonly OutcomeWindow _acquaintances = new(options.Window);
    private int _sinceLook;

    /// <summary>Takes what became of a request.</summary>
    /// <param name="byCanary">Whether the canary was to answer it.</param>
    /// <param name="kind">What became of it.</param>
    /// <param name="elapsed">What it took.</param>
    /// <param name="runRatio">What its batch took in units of what such a batch takes the other version; NaN if that is not known.</param>
    /// <returns>A verdict, if there is one; the guard then begins anew.</returns>
    internal Verdict? Record(bool byCanary, OutcomeKind kind, TimeSpan elapsed, double runRatio = double.NaN)
    {
        lock (_lock)
        {
            (byCanary ? _canary : _other).Add(Now, kind, elapsed.TotalSeconds, runRatio);
            if (!byCanary || (kind != OutcomeKind.Invalid && ++_sinceLook < LookEvery))
                return null;
            _sinceLook = 0;
            _other.Forget(Now);
            return Pass(JudgeInvalid() ?? JudgeErrors() ?? JudgeLatency() ?? JudgeRuns());
        }
    }

    /// <summary>Takes how an answer of the canary compares with the other version's.</summary>
    /// <inheritdoc cref="Record"/>
    internal Verdict? Compare(in SlateComparison comparison)
    {
        lock (_lock)
        {
            _comparisons.Add(Now, IsStrange(comparison) ? OutcomeKind.Failed : OutcomeKind.Answered, comparison.Overlap);
            if (options.MinOverlap > 0 && !double.IsNaN(comparison.Personal))
                _acquaintances.Add(Now, comparison.Personal < LeastPersonal ? OutcomeKind.Failed : OutcomeKind.Answered, comparison.Personal);
            return Pass(
                JudgeDrift(_comparisons, "have too little in common with the other version's")
                ?? JudgeDrift(_acquaintances, "have next to nothing of what the other version knows of the user"));
        }
    }

    private TimeSpan Now => clock.GetElapsedTime(_epoch);

    private Verdict? Pass(Verdict? verdict)
    {
        if (verdict is null)
            return null;
        foreach (var window in new[] { _canary, _other, _comparisons, _acquaintances })
            window.Clear();
        return verdict;
    }

    private Verdict? JudgeInvalid()
    {
        var (count, invalid) = (_canary.Count, _canary.CountOf(OutcomeKind.Invalid));
        var allowed = Math.Max(options.MaxInvalidRate, 2 * ShareOf(_other, OutcomeKind.Invalid));
        return BinomialTail.AtLeast(count, invalid, allowed) < options.FalseAlarm
            ? new Verdict(VerdictKind.Invalid, Text($"{invalid} of {count} answers were NaN or infinite"))
            : null;
    }

    private Verdict? JudgeErrors()
    {
        var (count, failed) = (_canary.Count, _canary.CountOf(OutcomeKind.Failed));
        if (count < options.MinRequests)
            return null;
        return BinomialTail.AtLeast(count, failed, Math.Max(options.MaxErrorRate, UpperShareOf(_other, OutcomeKind.Failed))) < options.FalseAlarm
            ? new Verdict(VerdictKind.Errors, Text($"{failed} of {count} requests failed, of the other version's {_other.CountOf(OutcomeKind.Failed)} of {_other.Count}"))
            : null;
    }

    private Verdict? JudgeLatency() => Slower(_canary.Latencies(), _other.Latencies(), options.LatencySlack.TotalSeconds) is var (canary, other)
        ? new Verdict(VerdictKind.Latency, Text($"nine in ten requests took up to {1000 * canary:F1} ms, of the other version's up to {1000 * other:F1} ms"))
        : null;

    /// <summary>A version that is slow makes others on its machine wait as long as itself: what its batches take is its own.</summary>
    private Verdict? JudgeRuns() => Slower(_canary.RunRatios(), _other.RunRatios(), slack: 0) is var (canary, other)
        ? new Verdict(VerdictKind.Latency, Text($"nine in ten batches took up to {canary:F1} times what the other version takes for such batches, its own up to {other:F1} times"))
        : null;

    /// <summary>The high quantiles of both, if too many of the canary's times are beyond the bound that the other's give, in the older and in the newer half.</summary>
    private (double Canary, double Other)? Slower(double[] canary, double[] other, double slack)
    {
        if (canary.Length < options.MinRequests || other.Length < options.MinRequests)
            return null;
        Array.Sort(other);
        var usual = other[(int)(Quantile * (other.Length - 1))];
        var bound = (options.MaxLatencyRatio * usual) + slack;
        var half = canary.Length / 2;
        if (!IsSlow(canary.AsSpan(0, half)) || !IsSlow(canary.AsSpan(half)))
            return null;
        Array.Sort(canary);
        return (canary[(int)(Quantile * (canary.Length - 1))], usual);

        bool IsSlow(ReadOnlySpan<double> times)
        {
            var slow = 0;
            foreach (var time in times)
                slow += time > bound ? 1 : 0;
            return BinomialTail.AtLeast(times.Length, slow, 1 - Quantile) < Math.Sqrt(options.FalseAlarm);
        }
    }

    /// <summary>A sign test: whether more than half of the answers are strange.</summary>
    private Verdict? JudgeDrift(OutcomeWindow comparisons, string what)
    {
        var (count, strange) = (comparisons.Count, comparisons.CountOf(OutcomeKind.Failed));
        return count >= options.MinComparisons && BinomialTail.AtLeast(count, strange, 0.5) < options.FalseAlarm
            ? new Verdict(VerdictKind.Drift, Text($"{strange} of {count} compared answers {what}"))
            : null;
    }

    // Written so that NaN is strange.
    private bool IsStrange(in SlateComparison comparison) =>
        !(comparison.Overlap >= options.MinOverlap)
        || IsUnrelated(comparison)
        || !(comparison.RankCorrelation >= options.MinRankCorrelation)
        || !(options.MaxScoreDrift == 0 || comparison.ScoreDrift <= options.MaxScoreDrift);

    /// <summary>
    /// Where items are few, slates have much in common by chance alone, and the order of all of them is asked: five in six rankings that have nothing to do
    /// with the other version's agree less than one standard deviation.
    /// </summary>
    private bool IsUnrelated(in SlateComparison comparison) =>
        options.MinOverlap > 0 && 2 * comparison.ByChance >= options.MinOverlap && comparison.Agreement < 1;

    private static double ShareOf(OutcomeWindow window, OutcomeKind kind) => window.Count > 0 ? (double)window.CountOf(kind) / window.Count : 0;

    /// <summary>What the share may be if chance was kind to the other version: three standard deviations, and three of its requests.</summary>
    private static double UpperShareOf(OutcomeWindow window, OutcomeKind kind)
    {
        var share = ShareOf(window, kind);
        return window.Count > 0 ? share + (3 * Math.Sqrt(share * (1 - share) / window.Count)) + (3.0 / window.Count) : 0;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
