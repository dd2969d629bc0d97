using System.Globalization;
using System.Text.Json;
using RecoServe.Trainer.Evaluation;
using Spectre.Console;

namespace RecoServe.Trainer.Commands;

/// <summary>What <c>recotrain evaluate</c> prints.</summary>
/// <param name="Model">What was evaluated: a baseline's name, a network, or a package.</param>
/// <param name="Split">The questions.</param>
/// <param name="Options">How they were ranked.</param>
/// <param name="Reports">The metrics of each part, in the order to print.</param>
/// <param name="Seconds">Wall-clock time, reading included.</param>
internal sealed record EvaluationSummary(
    string Model, EvaluationSplit Split, RankingOptions Options, IReadOnlyList<(SplitPart Part, RankingReport Report)> Reports, double Seconds)
{
    /// <summary>Draws of the bootstrap; 0 for no intervals.</summary>
    public int Resamples { get; init; }

    /// <summary>Its seed.</summary>
    public int Seed { get; init; }

    /// <summary>What it is compared with; null if with nothing.</summary>
    public string? Against { get; init; }

    /// <summary>The other's metrics, of the same parts.</summary>
    public IReadOnlyList<(SplitPart Part, RankingReport Report)> Others { get; init; } = [];

    /// <summary>What a comparison needs: narrower, every cell would be broken into pieces.</summary>
    private const int MinWidth = 140;

    private string Protocol => $"{Split.Name}, {Options.Protocol}";

    private int Users => Reports.SelectMany(r => r.Report.Users).Distinct().Count();

    /// <summary>One JSON object; its keys are stable: scripts read them.</summary>
    public void WriteJson(TextWriter output) => SummaryJson.Write(output, json =>
    {
        json.WriteString("model", Model);
        json.WriteString("protocol", Protocol);
        json.WriteNumber("users", Users);
        json.WriteNumber("items", Split.Log.Catalogue.Count);
        foreach (var (part, report) in Reports)
            WriteObject(json, NameOf(part), report.Metrics, json.WriteNumber);
        WriteObject(json, "questions", Each(r => (double)r.Questions.Count), json.WriteNumber);
        WriteObject(json, "unknown_targets", Each(r => (double)r.UnknownTargets), json.WriteNumber);
        WriteObject(json, "later_training_events", Each(r => (double)r.LaterTraining), json.WriteNumber);
        WriteIntervals(json);
        WriteComparison(json);
        json.WriteNumber("seconds", Math.Round(Seconds, 3));
    });

    /// <summary>A table, a row a metric and a column a part; of a comparison, a table a part.</summary>
    public void WriteTable(TextWriter output)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = Math.Max(console.Profile.Width, MinWidth);
        if (Against is null)
            console.Write(ValueTable());
        foreach (var (part, report) in Against is null ? [] : Reports)
            console.Write(ComparisonTable(part, report));
        FormattableString caption = $"{Model}{(Against is null ? "" : $" against {Against}")}: {Users:N0} users, {Reports[^1].Report.Questions.Count:N0} questions, {Split.Log.Catalogue.Count:N0} items; {Protocol}; {Seconds:F1} s";
        output.WriteLine(caption.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>A line for each thing that makes the metrics worth less than they look.</summary>
    public void WriteWarnings(TextWriter error)
    {
        foreach (var (part, report) in Reports)
        {
            var questions = report.Questions.Count;
            if (report.UnknownTargets > 0)
                Warn($"{NameOf(part)}: {report.UnknownTargets:N0} of {report.Ranks.Length:N0} targets are items the model does not know: misses");
            if (report.Undecided > 0)
                Warn($"{NameOf(part)}: for {report.Undecided:N0} of {questions:N0} questions all items have the same score, and ties count as {NameOf(Options.Ties)}");
            if (report.LaterTraining > 0)
                Warn($"{NameOf(part)}: {report.LaterTraining:N0} training events are later than the first target; --split time is free of that");
            if (report.Leak is not null)
                Warn($"{NameOf(part)}: not honest, for comparison with published tables only: {report.Leak}");
        }

        void Warn(FormattableString text) => error.WriteLine($"recotrain: {text.ToString(CultureInfo.InvariantCulture)}");
    }

    private Table ValueTable()
    {
        var intervals = Resamples == 0 ? [] : Reports.Select(r => IntervalsOf(r.Report)).ToArray();
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn(new TableColumn("metric").NoWrap());
        foreach (var (part, _) in Reports)
        {
            table.AddColumn(new TableColumn(NameOf(part)).RightAligned());
            if (Resamples > 0)
                table.AddColumn(new TableColumn("95 %").NoWrap());
        }

        for (var m = 0; m < Reports[0].Report.Measured.Count; m++)
        {
            string[] Cells(int r) => Resamples == 0
                ? [Text(Reports[r].Report.Measured[m].Value)]
                : [Text(Reports[r].Report.Measured[m].Value), Text(intervals[r][m])];
            table.AddRow([Reports[0].Report.Measured[m].Name, .. Enumerable.Range(0, Reports.Count).SelectMany(Cells)]);
        }

        return table;
    }

    private Table ComparisonTable(SplitPart part, RankingReport report)
    {
        var table = new Table { Border = TableBorder.Rounded, Title = new TableTitle(NameOf(part)) };
        foreach (var name in new[] { "metric", Markup.Escape(Model), Markup.Escape(Against!), "difference", "95 %", "greater / smaller / equal" })
            table.AddColumn(name == "metric" ? new TableColumn(name).NoWrap() : new TableColumn(name).RightAligned().NoWrap());
        foreach (var row in Compare(part, report))
            table.AddRow(row.Name, Text(row.First), Text(row.Second), Text(row.Difference), Text((row.Low, row.High)), row.Wins + row.Losses + row.Ties == 0 ? "" : $"{row.Wins} / {row.Losses} / {row.Ties}");
        return table;
    }

    private IReadOnlyList<PairedComparison> Compare(SplitPart part, RankingReport report) =>
        PairedComparison.Of(report, Others.Single(o => o.Part == part).Report, Resamples, Seed);

    private (double Low, double High)[] IntervalsOf(RankingReport report) =>
        new Bootstrap(report.Users, Resamples, Seed).Intervals([.. report.Measured.Select(m => m.PerQuestion ?? [])]);

    private void WriteIntervals(Utf8JsonWriter json)
    {
        if (Resamples == 0)
            return;
        json.WriteStartObject("intervals");
        foreach (var (part, report) in Reports)
        {
            var intervals = report.Measured.Zip(IntervalsOf(report)).Where(m => double.IsFinite(m.Second.Low));
            WriteObject(json, NameOf(part), intervals.Select(m => KeyValuePair.Create(m.First.Name, m.Second)), (name, interval) =>
            {
                json.WriteStartArray(name);
                json.WriteNumberValue(interval.Low);
                json.WriteNumberValue(interval.High);
                json.WriteEndArray();
            });
        }

        json.WriteEndObject();
    }

    private void WriteComparison(Utf8JsonWriter json)
    {
        if (Against is null)
            return;
        json.WriteStartObject("against");
        json.WriteString("model", Against);
        foreach (var (part, report) in Reports)
        {
            WriteObject(json, NameOf(part), Compare(part, report).Select(row => KeyValuePair.Create(row.Name, row)), (name, row) =>
            {
                var values = new List<KeyValuePair<string, double>> { new("value", row.Second), new("difference", row.Difference) };
                if (double.IsFinite(row.Low))
                    values.AddRange([new("low", row.Low), new("high", row.High)]);
                values.AddRange([new("wins", row.Wins), new("losses", row.Losses), new("ties", row.Ties)]);
                WriteObject(json, name, values, json.WriteNumber);
            });
        }

        json.WriteEndObject();
    }

    private IEnumerable<KeyValuePair<string, double>> Each(Func<RankingReport, double> of) =>
        Reports.Select(r => KeyValuePair.Create(NameOf(r.Part), of(r.Report)));

    private static void WriteObject<T>(Utf8JsonWriter json, string name, IEnumerable<KeyValuePair<string, T>> values, Action<string, T> write)
    {
        json.WriteStartObject(name);
        foreach (var (key, value) in values)
            write(key, value);
        json.WriteEndObject();
    }

    private static string Text(double value) => value.ToString("F6", CultureInfo.InvariantCulture);

    private static string Text((double Low, double High) interval) => double.IsNaN(interval.Low)
        ? ""
        : string.Create(CultureInfo.InvariantCulture, $"{interval.Low:F4} … {interval.High:F4}");

    private static string NameOf<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
