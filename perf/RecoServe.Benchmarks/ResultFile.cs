using System.Text.Json;
using BenchmarkDotNet.Reports;

namespace RecoServe.Benchmarks;

/// <summary>
/// The numbers of a run for programs: <c>artifacts/bench/&lt;benchmark&gt;.json</c>, a list of {row, value}; the value is the
/// median in microseconds, of several rounds the median of theirs.
/// </summary>
internal static class ResultFile
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    internal static void Write(IEnumerable<Summary> summaries)
    {
        foreach (var benchmark in summaries.SelectMany(s => s.Reports).Where(r => r.ResultStatistics is not null).GroupBy(r => r.BenchmarkCase.Descriptor.Type))
        {
            var name = benchmark.Key.Name.Replace("Benchmark", "", StringComparison.Ordinal).ToLowerInvariant();
            var rows = benchmark.GroupBy(NameOf).Select(g => new ResultRow(g.Key, MedianOf(g.Select(r => r.ResultStatistics!.Median / 1000))));
            File.WriteAllText(Path.Combine(InProcessRun.Folder, $"{name}.json"), JsonSerializer.Serialize(rows, Format) + "\n");
        }
    }

    private static double MedianOf(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);

    private static string NameOf(BenchmarkReport report) =>
        string.Join('/', [.. report.BenchmarkCase.Parameters.Items.Select(p => $"{p.Value}"), report.BenchmarkCase.Descriptor.WorkloadMethod.Name]);

    private sealed record ResultRow(string Row, double Value);
}
