using BenchmarkDotNet.Running;
using Spectre.Console;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>All of the sampler's benchmarks and checks, and the goals they are for: <c>make bench-sampler</c>.</summary>
internal static class SamplerRun
{
    private static readonly Type[] Benchmarks =
        [typeof(NucleusBenchmark), typeof(PeerBenchmark), typeof(TopKBenchmark), typeof(HardCaseBenchmark), typeof(DrawBenchmark), typeof(BatchBenchmark)];

    /// <summary>Whether a case belongs to a short run too; all but the sampler's do.</summary>
    internal static bool IsTypical(BenchmarkCase benchmark) =>
        !Benchmarks.Contains(benchmark.Descriptor.Type)
        || (benchmark.Parameters["Items"] is 100_000 && benchmark.Parameters["TopP"] is null or 0.9);

    /// <summary>Runs; returns the exit code, 1 if an answer was wrong. A goal that does not hold is no failure: the machine is shared.</summary>
    /// <exception cref="InvalidOperationException">A sampler, a peer or a floor answered wrong in a setup.</exception>
    internal static int Run()
    {
        Console.WriteLine("exactness and allocation");
        var exactness = Exactness.Measure();
        var allocated = Allocation.BytesPerCall();
        var cases = new List<MeasuredCase>();
        foreach (var benchmark in Benchmarks)
        {
            Console.WriteLine(benchmark.Name);
            cases.AddRange(TurnRun.Measure(benchmark));
        }

        ResultFile.Write(cases);
        Report(cases, exactness, allocated);
        if (exactness.ItemsOff <= 1)
            return 0;
        Console.Error.WriteLine($"a nucleus is wrong by {exactness.ItemsOff} items");
        return 1;
    }

    /// <summary>The cases of one benchmark.</summary>
    internal static IReadOnlyList<MeasuredCase> Of<TBenchmark>(IEnumerable<MeasuredCase> cases) => [.. cases.Where(c => c.Benchmark == typeof(TBenchmark))];

    private static void Report(IReadOnlyList<MeasuredCase> cases, Exactness exactness, double allocated)
    {
        var (nuclei, peers) = (Of<NucleusBenchmark>(cases), Of<PeerBenchmark>(cases));
        var goals = SamplerGoals.Of(cases, exactness, allocated);
        var console = AnsiConsole.Console;
        console.Profile.Width = Math.Max(console.Profile.Width, 140); // a pipe counts as 80 columns, which would break numbers in two
        console.Write(SamplerTables.Nuclei(nuclei));
        console.Write(SamplerTables.Peers(peers));
        console.Write(SamplerTables.HardCases(Of<HardCaseBenchmark>(cases)));
        console.Write(GoalReport.Table(goals));
        console.WriteLine($"{exactness.Cases} nuclei against double precision, at most {exactness.ItemsOff} items off");
        GoalReport.WriteJson(Path.Combine(ResultFile.Folder, "sampler.json"), goals);
        SamplerPlot.Save(Path.Combine(ResultFile.Folder, "sampler.svg"), nuclei, peers);
    }
}
