using static RecoServe.Benchmarks.Sampling.SamplerRun;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>The goals for the sampler. Each figure is the worst of its rows, every one of which is a median.</summary>
internal static class SamplerGoals
{
    private const string Ours = nameof(NucleusBenchmark.FindAndDraw);

    /// <summary>All of them.</summary>
    internal static IReadOnlyList<Goal> Of(IReadOnlyList<MeasuredCase> cases, Exactness exactness, double allocated) =>
    [
        .. Floors(Of<NucleusBenchmark>(cases)),
        .. TopK(Of<TopKBenchmark>(cases)),
        AtMost("worst case, N = 10^6: ÷ exp-sum", Of<HardCaseBenchmark>(cases).Max(c => c.Ratio(Ours, nameof(HardCaseBenchmark.ExpSum))), 14, 5),
        .. Peers(Of<PeerBenchmark>(cases)),
        AtLeast("64 rows, N = 10^5: 1 thread ÷ 2 threads", Of<BatchBenchmark>(cases)
            .Min(c => c.Ratio(nameof(BatchBenchmark.OneThread), nameof(BatchBenchmark.TwoThreads))), 1.85, 1.95),
        AtMost("one more draw, N = 10^5: ÷ find", Of<DrawBenchmark>(cases).Max(OneDraw), 0.02, 0.005),
        AtMost("bytes allocated a call", allocated, 0, 0),
        AtLeast("float64 reference: identical nuclei", exactness.Identical, 0.999, 1),
        AtMost("float64 reference: error of the mass", exactness.MassError, 1e-6, 1e-7),
    ];

    private static IEnumerable<Goal> Floors(IReadOnlyList<MeasuredCase> nuclei)
    {
        yield return Floor("10^6, flat", 1_000_000, RowKinds.Flat, 3.1, 2.0);
        yield return Floor("10^6, heavy", 1_000_000, RowKinds.Heavy, 5.5, 2.6);
        yield return Floor("10^6, peaked", 1_000_000, RowKinds.Peaked, 1.8, 1.3);
        yield return Floor("10^5, flat", 100_000, RowKinds.Flat, 4.3, 2.3);
        yield return Floor("10^5, heavy", 100_000, RowKinds.Heavy, 5.9, 3);
        yield return Floor("10^5, peaked", 100_000, RowKinds.Peaked, 2.3, 1.6);
        yield return Floor("10^4, any row", 10_000, RowKinds.All, 12, 5);

        Goal Floor(string name, int items, IEnumerable<string> kinds, double gate, double aim) => AtMost(
            $"N = {name}: ÷ exp-sum",
            nuclei.Where(c => c.Parameter<int>("Items") == items && kinds.Contains(c.Parameter<string>("Row"))).Max(c => c.Ratio(Ours, nameof(NucleusBenchmark.ExpSum))),
            gate, aim);
    }

    private static IEnumerable<Goal> TopK(IReadOnlyList<MeasuredCase> cases)
    {
        yield return AtMost("top_k = 100, N = 10^6: ÷ read", Worst(1_000_000), 2.2, 1.3);
        yield return AtMost("top_k = 100, N = 10^5: ÷ read", Worst(100_000), 3.5, 1.6);

        double Worst(int items) => cases.Where(c => c.Parameter<int>("Items") == items).Max(c => c.Ratio(Ours, nameof(TopKBenchmark.Read)));
    }

    private static IEnumerable<Goal> Peers(IReadOnlyList<MeasuredCase> cases)
    {
        yield return AtLeast("SoftMax + Array.Sort, N ≥ 10^5: ÷ ours", Worst(nameof(PeerBenchmark.SoftMaxAndSort), n => n >= 100_000), 100, 200);
        yield return AtLeast("SoftMax + quickselect, N ≥ 10^5: ÷ ours", Worst(nameof(PeerBenchmark.SoftMaxAndSelect), n => n >= 100_000), 20, 40);
        yield return AtLeast("SoftMax + quickselect, N = 10^4: ÷ ours", Worst(nameof(PeerBenchmark.SoftMaxAndSelect), n => n == 10_000), 9, 20);
        yield return AtLeast("SoftMax alone, N ≥ 10^5: ÷ ours", Worst(nameof(PeerBenchmark.SoftMax), n => n >= 100_000), 1, 2);

        double Worst(string peer, Func<int, bool> items) => cases.Where(c => items(c.Parameter<int>("Items"))).Min(c => c.Ratio(peer, Ours));
    }

    private static double OneDraw(MeasuredCase draws) =>
        (draws.Ratio(nameof(DrawBenchmark.FindAndDraw110), nameof(DrawBenchmark.Find)) - draws.Ratio(Ours, nameof(DrawBenchmark.Find))) / 100;

    private static Goal AtMost(string row, double value, double gate, double aim) => new(row, value, gate, aim, Least: false);

    private static Goal AtLeast(string row, double value, double gate, double aim) => new(row, value, gate, aim, Least: true);
}
