using System.Text.Json;
using RecoServe.Testing;

namespace RecoServe.Benchmarks;

/// <summary>
/// The numbers of a run for programs: <c>artifacts/bench/&lt;benchmark&gt;.json</c>, a list of {row, value}; the value is the
/// median in microseconds.
/// </summary>
internal static class ResultFile
{
    internal static readonly string Folder = RepositoryRoot.File("artifacts", "bench");

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    internal static void Write(IEnumerable<MeasuredCase> cases)
    {
        Directory.CreateDirectory(Folder);
        foreach (var benchmark in cases.GroupBy(c => c.Benchmark))
        {
            var name = benchmark.Key.Name.Replace("Benchmark", "", StringComparison.Ordinal).ToLowerInvariant();
            var rows = benchmark.SelectMany(c => c.Methods.Select(m => new ResultRow(c.NameOf(m), c.Microseconds(m))));
            File.WriteAllText(Path.Combine(Folder, $"{name}.json"), JsonSerializer.Serialize(rows, Format) + "\n");
        }
    }

    private sealed record ResultRow(string Row, double Value);
}
