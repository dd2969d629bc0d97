using System.Globalization;
using System.Text.Json;
using RecoServe.Trainer.Evaluation.OffPolicy;
using Spectre.Console;

namespace RecoServe.Trainer.Commands;

/// <summary>What <c>recotrain off-policy</c> prints.</summary>
/// <param name="Model">The package.</param>
/// <param name="Temperature">Of its softmax.</param>
/// <param name="Displays">Which displays, in words.</param>
/// <param name="Evaluation">The rounds.</param>
/// <param name="Estimates">In the order to print.</param>
/// <param name="Seconds">Wall-clock time, reading included.</param>
internal sealed record OffPolicySummary(
    string Model, double Temperature, string Displays, OffPolicyEvaluation Evaluation, IReadOnlyList<OffPolicyEstimate> Estimates, double Seconds)
{
    /// <summary>Below this effective share of the rounds, a few of them decide.</summary>
    private const double LeastShare = 0.01;

    /// <summary>One JSON object; its keys are stable: scripts read them.</summary>
    public void WriteJson(TextWriter output) => SummaryJson.Write(output, json =>
    {
        json.WriteString("model", Model);
        json.WriteNumber("temperature", Temperature);
        json.WriteString("displays", Displays);
        json.WriteNumber("rounds", Evaluation.Count);
        json.WriteNumber("users", Evaluation.Users);
        json.WriteNumber("mean_weight", Evaluation.MeanWeight);
        json.WriteNumber("max_weight", Evaluation.MaxWeight);
        json.WriteNumber("effective_share", Evaluation.EffectiveShare);
        json.WriteStartArray("estimates");
        foreach (var estimate in Estimates)
            Write(json, estimate);
        json.WriteEndArray();
        json.WriteNumber("seconds", Math.Round(Seconds, 3));
    });

    /// <summary>A table, a row an estimator.</summary>
    public void WriteTable(TextWriter output)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn(new TableColumn("estimator").NoWrap());
        table.AddColumn(new TableColumn("reward of a display").RightAligned());
        table.AddColumn(new TableColumn("95 %").NoWrap());
        foreach (var estimate in Estimates)
            table.AddRow(estimate.Name, Text(estimate.Value), double.IsNaN(estimate.Low) ? "" : $"{Text(estimate.Low)} … {Text(estimate.High)}");
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) }).Write(table);
        FormattableString caption = $"{Model} at temperature {Temperature}: {Evaluation.Count:N0} displays of {Evaluation.Users:N0} users, {Displays}; weights: mean {Evaluation.MeanWeight:G3}, largest {Evaluation.MaxWeight:G3}, effective sample {100 * Evaluation.EffectiveShare:G3} %; {Seconds:F1} s";
        output.WriteLine(caption.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>A line for what makes the estimates worth less than they look.</summary>
    public void WriteWarnings(TextWriter error)
    {
        if (Evaluation.EffectiveShare < LeastShare)
        {
            FormattableString text = $"recotrain: the effective sample is {100 * Evaluation.EffectiveShare:G3} % of the displays: a few of them decide, and the intervals are narrower than what is known; another --temperature may be closer to what was shown";
            error.WriteLine(text.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static void Write(Utf8JsonWriter json, OffPolicyEstimate estimate)
    {
        json.WriteStartObject();
        json.WriteString("estimator", estimate.Name);
        Number("value", estimate.Value);
        Number("low", estimate.Low);
        Number("high", estimate.High);
        json.WriteEndObject();

        void Number(string key, double value)
        {
            if (double.IsFinite(value))
                json.WriteNumber(key, value);
            else
                json.WriteNull(key);
        }
    }

    private static string Text(double value) => value.ToString("F6", CultureInfo.InvariantCulture);
}
