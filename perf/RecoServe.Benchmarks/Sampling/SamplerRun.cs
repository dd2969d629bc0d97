using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using Spectre.Console;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>All of the sampler's benchmarks and checks, and the goals they are for: <c>make bench-sampler</c>.</summary>
internal static class SamplerRun
{
    private const int Rounds = 5; // odd: of their ratios the median is taken

    private static readonly Type[] Benchmarks =
        [typeof(NucleusBenchmark), typeof(PeerBenchmark), typeof(TopKBenchmark), typeof(HardCaseBenchmark), typeof(DrawBenchmark), typeof(BatchBenchmark)];

    /// <summary>Whether a case belongs to a short run too; all but the sampler's do.</summary>
    internal static bool IsTypical(BenchmarkCase benchmark) =>
        !Benchmarks.Contains(benchmark.Descriptor.Type)
        || (benchmark.Parameters["Items"] is 100_000 && benchmark.Parameters["TopP"] is null or 0.9);

    /// <summary>Runs; returns the exit code, 1 if an answer was wrong. A goal that does not hold is no failure: the machine is shared.</summary>
    internal static int Run()
    {
        Console.WriteLine("exactness and allocation");
        var exactness = Exactness.Measure();
        var allocated = Allocation.BytesPerCall();
        var summaries = Enumerable.Range(1, Rounds).SelectMany(Round).ToArray();
        ResultFile.Write(summaries);
        var wrong = summaries.Sum(s => s.BenchmarksCases.Length - s.Reports.Count(r => r.Success && r.ResultStatistics is not null));
        if (wrong > 0 || summaries.Any(s => s.HasCriticalValidationErrors))
            return Fail($"{wrong} cases failed: the log in {InProcessRun.Folder} says why");

        Report(summaries, exactness, allocated);
        return exactness.ItemsOff <= 1 ? 0 : Fail($"a nucleus is wrong by {exactness.ItemsOff} items");
    }

    private static Summary[] Round(int round)
    {
        Console.WriteLine($"round {round} of {Rounds}");
        return BenchmarkRunner.Run(Benchmarks, new InProcessRun(warmups: 1, iterations: 7, new ProgressLogger()));
    }

    private static void Report(Summary[] summaries, Exactness exactness, double allocated)
    {
        var nuclei = MeasuredCase.Of<NucleusBenchmark>(summaries);
        var peers = MeasuredCase.Of<PeerBenchmark>(summaries);
        var goals = SamplerGoals.Of(summaries, exactness, allocated);
        var console = AnsiConsole.Console;
        console.Profile.Width = Math.Max(console.Profile.Width, 140); // a pipe counts as 80 columns, which would break numbers in two
        console.Write(SamplerTables.Nuclei(nuclei));
        console.Write(SamplerTables.Peers(peers));
        console.Write(SamplerTables.HardCases(MeasuredCase.Of<HardCaseBenchmark>(summaries)));
        console.Write(GoalReport.Table(goals));
        console.WriteLine($"{exactness.Cases} nuclei against double precision, at most {exactness.ItemsOff} items off");
        GoalReport.WriteJson(Path.Combine(InProcessRun.Folder, "sampler.json"), goals);
        SamplerPlot.Save(Path.Combine(InProcessRun.Folder, "sampler.svg"), nuclei, peers);
    }

    private static int Fail(string why)
    {
        Console.Error.WriteLine(why);
        return 1;
    }
}
