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

    /// <summary>Requests between two looks at what only adds up slowly.</summary>
    private const int LookEvery = 20;

    private readonly Lock _lock = new();
    private readonly long _epoch = clock.GetTimestamp();
    private readonly OutcomeWindow _canary = new(options.Window);
    private readonly OutcomeWindow _other = new(options.Window);
    private readonly OutcomeWindow _comparisons = new(options.Window);
    private int _sinceLook;

    /// <summary>Takes what became of a request.</summary>
    /// <param name="byCanary">Whether the canary was to answer it.</param>
    /// <param name="kind">What became of it.</param>
    /// <param name="elapsed">What it took.</param>
    /// <returns>A verdict, if there is one; the guard then begins anew.</returns>
    internal Verdict? Record(bool byCanary, OutcomeKind kind, TimeSpan elapsed)
    {
        lock (_lock)
        {
            (byCanary ? _canary : _other).Add(Now, kind, elapsed.TotalSeconds);
            if (!byCanary || (kind != OutcomeKind.Invalid && ++_sinceLook < LookEvery))
                return null;
            _sinceLook = 0;
            _other.Forget(Now);
            return Pass(JudgeInvalid() ?? JudgeErrors() ?? JudgeLatency());
        }
    }

    /// <summary>Takes how an answer of the canary compares with the other version's.</summary>
    /// <inheritdoc cref="Record"/>
    internal Verdict? Compare(in SlateComparison comparison)
    {
        lock (_lock)
        {
            _comparisons.Add(Now, IsStrange(comparison) ? OutcomeKind.Failed : OutcomeKind.Answered, comparison.Overlap);
            return Pass(JudgeDrift());
        }
    }

    private TimeSpan Now => clock.GetElapsedTime(_epoch);

    private Verdict? Pass(Verdict? verdict)
    {
        if (verdict is null)
            return null;
        foreach (var window in new[] { _canary, _other, _comparisons })
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

    private Verdict? JudgeLatency()
    {
        var (canary, other) = (_canary.Latencies(), _other.Latencies());
        if (canary.Length < options.MinRequests || other.Length < options.MinRequests)
            return null;
        Array.Sort(other);
        var typical = other[(int)(Quantile * (other.Length - 1))];
        var bound = (options.MaxLatencyRatio * typical) + options.LatencySlack.TotalSeconds;
        var half = canary.Length / 2;
        if (!IsSlow(canary.AsSpan(0, half)) || !IsSlow(canary.AsSpan(half)))
            return null;
        Array.Sort(canary);
        return new Verdict(VerdictKind.Latency, Text(
            $"nine in ten requests took up to {1000 * canary[(int)(Quantile * (canary.Length - 1))]:F1} ms, of the other version's up to {1000 * typical:F1} ms"));

        bool IsSlow(ReadOnlySpan<double> latencies)
        {
            var slow = 0;
            foreach (var latency in latencies)
                slow += latency > bound ? 1 : 0;
            return BinomialTail.AtLeast(latencies.Length, slow, 1 - Quantile) < Math.Sqrt(options.FalseAlarm);
        }
    }

    /// <summary>A sign test: whether more than half of the answers are strange.</summary>
    private Verdict? JudgeDrift()
    {
        var (count, strange) = (_comparisons.Count, _comparisons.CountOf(OutcomeKind.Failed));
        return count >= options.MinComparisons && BinomialTail.AtLeast(count, strange, 0.5) < options.FalseAlarm
            ? new Verdict(VerdictKind.Drift, Text($"{strange} of {count} compared answers have too little in common with the other version's"))
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
