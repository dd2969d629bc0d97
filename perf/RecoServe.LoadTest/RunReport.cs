using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace RecoServe.LoadTest;

/// <summary>The runs as a table, as Markdown and as {row, value} for programs.</summary>
internal static class RunReport
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private static readonly string[] Headings = ["load", "offered/s", "in time/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "sent late p99 ms", "statuses"];

    /// <summary>The table, and what must be said about it.</summary>
    internal static void Print(IAnsiConsole console, IReadOnlyList<ScenarioRun> runs)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var heading in Headings)
            table.AddColumn(new TableColumn(heading).Alignment(heading is "load" or "statuses" ? Justify.Left : Justify.Right));
        foreach (var run in runs)
            table.AddRow([.. Cells(run).Select(Markup.Escape)]);
        console.Write(table);
        foreach (var caveat in Caveats(runs))
            console.WriteLine(caveat);
    }

    /// <summary>A Markdown table and what must be said about it.</summary>
    internal static string Markdown(IReadOnlyList<ScenarioRun> runs)
    {
        var rules = Headings.Select(h => h is "load" or "statuses" ? "---" : "---:");
        var lines = runs.Select(Cells).Prepend(rules).Prepend(Headings).Select(cells => $"| {string.Join(" | ", cells)} |\n");
        return string.Concat(lines.Concat(Caveats(runs).Select(c => $"\n{c}.\n")));
    }

    /// <summary>A list of {row, value}.</summary>
    internal static void WriteJson(string path, IReadOnlyList<ScenarioRun> runs) =>
        File.WriteAllText(path, JsonSerializer.Serialize(runs.SelectMany(Rows), Format) + "\n");

    private static IEnumerable<ResultRow> Rows(ScenarioRun run)
    {
        var result = run.Result;
        yield return new($"{run.Name}/offered_per_s", Offered(run));
        yield return new($"{run.Name}/in_time_per_s", result.Goodput);
        foreach (var percentile in new[] { 50, 90, 99, 99.9, 100 })
            yield return new(string.Create(CultureInfo.InvariantCulture, $"{run.Name}/p{percentile}_ms"), result.Latency(percentile).TotalMilliseconds);
        yield return new($"{run.Name}/sent_late_p99_ms", result.Late(99).TotalMilliseconds);
        foreach (var (status, count) in result.Statuses)
            yield return new($"{run.Name}/{status}", count);
    }

    private static string[] Cells(ScenarioRun run)
    {
        var result = run.Result;
        return
        [
            run.Name, Whole(Offered(run)), Whole(result.Goodput),
            Milliseconds(result.Latency(50)), Milliseconds(result.Latency(90)), Milliseconds(result.Latency(99)), Milliseconds(result.Latency(99.9)),
            Milliseconds(result.Latency(100)), run.Offered is null ? "-" : Milliseconds(result.Late(99)),
            string.Join(", ", result.Statuses.Select(s => $"{s.Key} {s.Value}")),
        ];
    }

    private static IEnumerable<string> Caveats(IEnumerable<ScenarioRun> runs) => runs.Select(r => r.Caveat).OfType<string>();

    private static double Offered(ScenarioRun run) => run.Offered ?? (run.Result.Calls / run.Result.Elapsed.TotalSeconds);

    private static string Whole(double value) => value.ToString("F0", CultureInfo.InvariantCulture);

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("F2", CultureInfo.InvariantCulture);

    private sealed record ResultRow(string Row, double Value);
}
