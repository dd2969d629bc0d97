using System.Globalization;
using System.Text.Json;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Explanation;
using Spectre.Console;

namespace RecoServe.Trainer.Commands;

/// <summary>What <c>recotrain explain</c> prints.</summary>
/// <param name="Catalogue">The run's items.</param>
/// <param name="Item">The item explained.</param>
/// <param name="History">The watches that the network read, oldest first.</param>
/// <param name="Fields">The run's context fields.</param>
/// <param name="Context">The code of each; 0 for unknown.</param>
/// <param name="Gradients">What each adds.</param>
internal sealed record ExplainSummary(
    Catalogue Catalogue, int Item, int[] History, IReadOnlyList<ContextField> Fields, ushort[] Context, IntegratedGradients Gradients)
{
    /// <summary>One JSON object; its keys are stable: scripts read them.</summary>
    public void WriteJson(TextWriter output) => SummaryJson.Write(output, json =>
    {
        json.WriteString("item_id", Catalogue.IdOf(Item));
        json.WriteStartArray("watches");
        for (var t = 0; t < History.Length; t++)
            Write(json, "item_id", Catalogue.IdOf(History[t]), Gradients.Watches[t]);
        json.WriteEndArray();
        json.WriteStartArray("context");
        for (var f = 0; f < Fields.Count; f++)
            Write(json, "key", Fields[f].Key, Gradients.Context[f]);
        json.WriteEndArray();
        json.WriteNumber("target", Gradients.Score);
        json.WriteNumber("baseline", Gradients.Baseline);
        json.WriteNumber("completeness_error", Gradients.CompletenessError);
    });

    /// <summary>A table, a row a watch, the newest first, and a row a context field.</summary>
    public void WriteTable(TextWriter output)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn("watch or context");
        table.AddColumn("title");
        table.AddColumn(new TableColumn("adds, nats").RightAligned());
        for (var t = History.Length - 1; t >= 0; t--)
            table.AddRow(Text(Catalogue.IdOf(History[t])), Text(Catalogue.TitleOf(History[t])), Nats(Gradients.Watches[t]));
        for (var f = 0; f < Fields.Count; f++)
            table.AddRow(Text($"{Fields[f].Key} = {(Context[f] == 0 ? "unknown" : Fields[f].Values[Context[f] - 1])}"), Text(""), Nats(Gradients.Context[f]));
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) }).Write(table);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Catalogue.IdOf(Item)} {Catalogue.TitleOf(Item)}: ln probability {Gradients.Score:F4}, of a history of which only the length is known {Gradients.Baseline:F4}; completeness error {Gradients.CompletenessError:P2}"));
    }

    private static void Write(Utf8JsonWriter json, string key, string name, double adds)
    {
        json.WriteStartObject();
        json.WriteString(key, name);
        json.WriteNumber("attribution", adds);
        json.WriteEndObject();
    }

    private static Text Text(string text) => new(text);

    private static Text Nats(double adds) => new(adds.ToString("+0.0000;-0.0000;0.0000", CultureInfo.InvariantCulture));
}
