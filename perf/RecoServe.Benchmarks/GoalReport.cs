using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace RecoServe.Benchmarks;

/// <summary>Goals as a table, and for programs.</summary>
internal static class GoalReport
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The table.</summary>
    internal static Table Table(IEnumerable<Goal> goals)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("figure");
        foreach (var heading in new[] { "value", "gate", "", "aim", "" })
            table.AddColumn(new TableColumn(heading).RightAligned());
        foreach (var goal in goals)
        {
            var sign = goal.Least ? "≥" : "≤";
            table.AddRow(
                Markup.Escape(goal.Row), Number(goal.Value), $"{sign} {Number(goal.Gate)}", goal.Holds ? "holds" : "FAILS",
                $"{sign} {Number(goal.Aim)}", goal.IsAimReached ? "reached" : "-");
        }

        return table;
    }

    /// <summary>A list of {row, value, goal, holds, aim}, where the goal is the gate.</summary>
    internal static void WriteJson(string path, IEnumerable<Goal> goals) =>
        File.WriteAllText(path, JsonSerializer.Serialize(goals.Select(g => new { g.Row, g.Value, Goal = g.Gate, g.Holds, g.Aim }), Format) + "\n");

    private static string Number(double value) => value.ToString(Math.Abs(value) is > 0 and < 1e-3 ? "0.0e+0" : "0.####", CultureInfo.InvariantCulture);
}
