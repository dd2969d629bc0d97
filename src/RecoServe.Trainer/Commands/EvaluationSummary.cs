using System.Globalization;
using System.Text.Json;
using RecoServe.Trainer.Evaluation;
using Spectre.Console;

namespace RecoServe.Trainer.Commands;

/// <summary>What <c>recotrain evaluate</c> prints.</summary>
/// <param name="Model">What was evaluated: a baseline's name, or a model version.</param>
/// <param name="Ties">The tie rule of the ranks.</param>
/// <param name="Users">Users ranked.</param>
/// <param name="Items">Items ranked, N.</param>
/// <param name="Reports">The metrics of each part, in the order to print.</param>
/// <param name="Seconds">Wall-clock time, reading included.</param>
internal sealed record EvaluationSummary(
    string Model, TieRule Ties, int Users, int Items, IReadOnlyList<(SplitPart Part, RankingReport Report)> Reports, double Seconds)
{
    private string Protocol => $"leave-one-out, full ranking, seen items removed, ties {NameOf(Ties)}";

    /// <summary>One JSON object; its keys are stable: scripts read them.</summary>
    public void WriteJson(TextWriter output)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("model", Model);
            json.WriteString("protocol", Protocol);
            json.WriteNumber("users", Users);
            json.WriteNumber("items", Items);
            foreach (var (part, report) in Reports)
            {
                json.WriteStartObject(NameOf(part));
                foreach (var (metric, value) in report.Metrics)
                    json.WriteNumber(metric, value);
                json.WriteEndObject();
            }

            json.WriteStartObject("unknown_targets");
            foreach (var (part, report) in Reports)
                json.WriteNumber(NameOf(part), report.UnknownTargets);
            json.WriteEndObject();
            json.WriteNumber("seconds", Math.Round(Seconds, 3));
            json.WriteEndObject();
        }

        output.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.ToArray()));
    }

    /// <summary>A table, a row a metric and a column a part.</summary>
    public void WriteTable(TextWriter output)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn("metric");
        foreach (var (part, _) in Reports)
            table.AddColumn(new TableColumn(NameOf(part)).RightAligned());
        for (var m = 0; m < Reports[0].Report.Metrics.Count; m++)
        {
            string[] values = [.. Reports.Select(r => r.Report.Metrics[m].Value.ToString("F6", CultureInfo.InvariantCulture))];
            table.AddRow([Reports[0].Report.Metrics[m].Key, .. values]);
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        console.Write(table);
        FormattableString caption = $"{Model}: {Users:N0} users, {Items:N0} items; {Protocol}; {Seconds:F1} s";
        output.WriteLine(caption.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>A line for each thing that makes the metrics worth less than they look.</summary>
    public void WriteWarnings(TextWriter error)
    {
        foreach (var (part, report) in Reports)
        {
            if (report.UnknownTargets > 0)
                Warn($"{NameOf(part)}: {report.UnknownTargets:N0} of {report.Users.Count:N0} targets are items the model does not know: misses");
            if (report.Undecided > 0)
                Warn($"{NameOf(part)}: for {report.Undecided:N0} of {report.Users.Count:N0} users all items have the same score, and ties count as {NameOf(Ties)}");
        }

        void Warn(FormattableString text) => error.WriteLine($"recotrain: {text.ToString(CultureInfo.InvariantCulture)}");
    }

    private static string NameOf<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
