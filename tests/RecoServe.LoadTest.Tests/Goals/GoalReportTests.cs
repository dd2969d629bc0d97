using System.Text.Json;
using RecoServe.Goals;
using RecoServe.Testing;

namespace RecoServe.LoadTest.Tests.Goals;

public sealed class GoalReportTests
{
    private static readonly Goal[] Goals =
    [
        new("reached", 3, 2, null, Least: true),
        new("missed", 3, 2, null, Least: false),
        new("with an aim", 3, 2, 4, Least: true),
        new("absent", null, 0, null, Least: false) { Why = "nobody ran it" },
    ];

    [Fact]
    public void Json_Rows_SayWhetherTheyHold()
    {
        using var folder = new TemporaryDirectory();
        GoalReport.WriteJson(folder.File("goals.json"), Goals);
        using var json = JsonDocument.Parse(File.ReadAllText(folder.File("goals.json")));
        Assert.Equal(
            [
                """{"row":"reached","value":3,"goal":2,"holds":true}""",
                """{"row":"missed","value":3,"goal":2,"holds":false}""",
                """{"row":"with an aim","value":3,"goal":2,"holds":true,"aim":4}""",
                """{"row":"absent","value":null,"goal":0,"holds":false,"why":"nobody ran it"}""",
            ],
            json.RootElement.EnumerateArray().Select(row => JsonSerializer.Serialize(row)));
    }

    [Fact]
    public void Markdown_RowWithoutValue_SaysWhy()
    {
        var lines = GoalReport.Markdown(Goals.Where(g => g.Aim is null).ToArray()).Split('\n');
        Assert.Equal("| figure | value | goal |  |", lines[0]);
        Assert.Equal("| reached | 3 | ≥ 2 | holds |", lines[2]);
        Assert.Equal("| absent: not measured, nobody ran it | - | ≤ 0 | fails |", lines[4]);
    }
}
