using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace RecoServe.Goals;

/// <summary>Goals as a table, as Markdown, and for programs.</summary>
internal static class GoalReport
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The table; with aims if there are any.</summary>
    internal static Table Table(IReadOnlyCollection<Goal> goals)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("figure");
        foreach (var heading in Headings(goals).Skip(1))
            table.AddColumn(new TableColumn(heading).RightAligned());
        foreach (var goal in goals)
            table.AddRow([.. Cells(goal, HaveAims(goals)).Select(Markup.Escape)]);
        return table;
    }

    /// <summary>The same as a Markdown table.</summary>
    internal static string Markdown(IReadOnlyCollection<Goal> goals)
    {
        var headings = Headings(goals).ToArray();
        var rules = headings.Select((_, i) => i == 0 ? "---" : "--:");
        return string.Concat(goals.Select(g => Cells(g, HaveAims(goals))).Prepend(rules).Prepend(headings).Select(cells => $"| {string.Join(" | ", cells)} |\n"));
    }

    /// <summary>A list of {row, value, goal, holds}, where the goal is the gate; with the aim, and the reason why there is no value, if there is one.</summary>
    internal static void WriteJson(string path, IEnumerable<Goal> goals) =>
        File.WriteAllText(path, JsonSerializer.Serialize(goals.Select(g => new JsonRow(g.Row, g.Value, g.Gate, g.Holds, g.Aim, g.Why)), Format) + "\n");

    private static bool HaveAims(IEnumerable<Goal> goals) => goals.Any(g => g.Aim is not null);

    private static IEnumerable<string> Headings(IEnumerable<Goal> goals) =>
        HaveAims(goals) ? ["figure", "value", "gate", "", "aim", ""] : ["figure", "value", "goal", ""];

    private static IEnumerable<string> Cells(Goal goal, bool withAim)
    {
        var sign = goal.Least ? "≥" : "≤";
        yield return goal.Why is null ? goal.Row : $"{goal.Row}: not measured, {goal.Why}";
        yield return goal.Value is { } value ? Number(value) : "-";
        yield return $"{sign} {Number(goal.Gate)}";
        yield return goal.Holds ? "holds" : "fails";
        if (!withAim)
            yield break;
        yield return goal.Aim is { } aim ? $"{sign} {Number(aim)}" : "";
        yield return goal.IsAimReached ? "reached" : "-";
    }

    private static string Number(double value) => value.ToString(Math.Abs(value) is > 0 and < 1e-3 ? "0.0e+0" : "0.####", CultureInfo.InvariantCulture);

    private sealed record JsonRow(
        string Row,
        double? Value,
        double Goal,
        bool Holds,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Aim,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Why);
}
