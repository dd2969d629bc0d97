using System.Globalization;
using System.Text.Json;
using RecoServe.Trainer.Commands;
using RecoServe.Trainer.Evaluation.OffPolicy;

namespace RecoServe.Trainer.Tests.Commands;

/// <summary>From a simulated log with propensities to the estimates of a trained package's policy.</summary>
[Collection(Torch.Collection)]
public sealed class OffPolicyCommandTests : CommandFixture
{
    private const double Flat = 1e6;

    /// <summary>At a temperature that makes all items alike, every number can be told from the files alone.</summary>
    [Fact]
    public async Task OffPolicy_FlatPolicy_IsWhatTheFilesSay()
    {
        var from = await TrainAsync();
        Assert.Equal(0, await RunAsync($"{OffPolicy(from)} --temperature {Flat} --weight-cap 2 --json"));

        using var json = JsonDocument.Parse(Output.ToString());
        var root = json.RootElement;
        var (reward, value, weight, count) = Expected(from);
        Assert.Equal(["model", "temperature", "displays", "rounds", "users", "mean_weight", "max_weight", "effective_share", "estimates", "seconds"], root.EnumerateObject().Select(p => p.Name));
        Assert.Equal(count, root.GetProperty("rounds").GetInt32());
        Assert.Equal(weight, root.GetProperty("mean_weight").GetDouble(), 1e-4);
        var estimates = root.GetProperty("estimates").EnumerateArray().ToDictionary(e => e.GetProperty("estimator").GetString()!, e => e);
        Assert.Equal(["logging policy", "IPW", "IPW capped at 2", "SNIPW", "DM", "DR", "SNDR", "Switch-DR at 2"], estimates.Keys);
        Assert.Equal(reward, estimates["logging policy"].GetProperty("value").GetDouble(), 1e-9);
        Assert.Equal(value, estimates["IPW"].GetProperty("value").GetDouble(), 1e-4);
        Assert.Equal(value / weight, estimates["SNIPW"].GetProperty("value").GetDouble(), 1e-4);
        Assert.All(estimates.Values, e => Assert.InRange(e.GetProperty("value").GetDouble(), e.GetProperty("low").GetDouble(), e.GetProperty("high").GetDouble()));
    }

    [Fact]
    public async Task OffPolicy_Table_ShowsAllAndWarnsOfAnotherSplit()
    {
        var from = await TrainAsync();
        Assert.Equal(0, await RunAsync($"{OffPolicy(from)} --temperature 0.001 --slots 1 --resamples 50"));
        Assert.Contains("Switch-DR at ", Output.ToString(), StringComparison.Ordinal);
        Assert.Contains("at temperature 0.001: ", Output.ToString(), StringComparison.Ordinal);
        Assert.Contains("test, slot 1; weights: mean ", Output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("was trained on", Error.ToString(), StringComparison.Ordinal);

        Assert.Equal(0, await RunAsync($"{OffPolicy(from)} --resamples 0 --validate-from 0.5"));
        Assert.Contains("recotrain: " + In("models/m/1") + " was trained on watches.csv with the split split by time", Error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(101, "recotrain: the effective sample is 0.99 % of the displays")]
    [InlineData(100, "")]
    public void WriteWarnings_EffectiveSampleBelowOnePercent_IsSaid(int rounds, string warning)
    {
        var evaluation = new OffPolicyEvaluation([.. Enumerable.Range(0, rounds).Select(r => new LoggedRound(r, 1, 0.5, r == 0 ? 1 : 0))]);
        new OffPolicySummary("m", 1, "test", evaluation, [], 0).WriteWarnings(Error);
        Assert.StartsWith(warning, Error.ToString(), StringComparison.Ordinal);
        Assert.Equal(warning.Length > 0, Error.ToString().Length > 0);
    }

    [Theory]
    [InlineData("--split last", "off-policy estimates need --split time")]
    [InlineData("--split time --temperature 0", "--temperature must be above 0")]
    [InlineData("--split time --weight-cap 0", "--weight-cap must be above 0")]
    [InlineData("--split time --slots -1", "--slots must be 0 or more")]
    [InlineData("--split time --column propensity=chance", "there is no column chance")]
    public async Task OffPolicy_WhatCannotBe_IsRefused(string options, string message)
    {
        await SimulateAsync();
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"off-policy --model {In("none")} --data {In("log/watches.csv")} --impressions {In("log/impressions.csv")} {options}"));
        Assert.Contains(message, Error.ToString(), StringComparison.Ordinal);
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"off-policy --model {In("none")} --data {In("log/watches.csv")} --split time"));
        Assert.Contains("--impressions names files of what was shown", Error.ToString(), StringComparison.Ordinal);
    }

    private static string[][] Rows(string path) => [.. File.ReadLines(path).Select(line => line.Split(','))];

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>Trains and exports; returns where the test begins: at nine tenths of the watches.</summary>
    private async Task<string> TrainAsync()
    {
        await SimulateAsync();
        var watches = Rows(In("log/watches.csv"));
        var times = watches.Skip(1).Select(row => (long)Number(row[Array.IndexOf(watches[0], "timestamp")])).Order().ToArray();
        var from = DateTimeOffset.FromUnixTimeSeconds(times[times.Length * 9 / 10]).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        Assert.Equal(0, await RunAsync($"fit --data {In("log/watches.csv")} --split time --test-from {from} --dimension 8 --batch-size 32 --learning-rate 0.02 --epochs 3 --threads 1 --out {In("run")}"));
        Assert.Equal(0, await RunAsync($"export --run {In("run")} --repository {In("models")} --name m"));
        Output.GetStringBuilder().Clear();
        return from;
    }

    /// <summary>For displays of the test: mean reward, mean of reward times weight, mean weight, and their number. The policy shows what was not watched, all alike.</summary>
    private (double Reward, double Value, double Weight, int Count) Expected(string from)
    {
        var start = DateTimeOffset.Parse(from, CultureInfo.InvariantCulture).ToUnixTimeSeconds();
        var (watches, shown) = (Rows(In("log/watches.csv")), Rows(In("log/impressions.csv")));
        int Of(string[][] table, string name) => Array.IndexOf(table[0], name);
        var items = watches.Skip(1).Select(row => row[Of(watches, "item_id")]).ToHashSet();
        var byUser = watches.Skip(1).ToLookup(row => row[Of(watches, "user_id")], row => (Item: row[Of(watches, "item_id")], Time: Number(row[Of(watches, "timestamp")])));
        var judged = shown.Skip(1)
            .Where(row => Number(row[Of(shown, "timestamp")]) >= start && items.Contains(row[Of(shown, "item_id")]) && byUser.Contains(row[Of(shown, "user_id")]))
            .Select(row =>
            {
                var before = byUser[row[Of(shown, "user_id")]].Where(w => w.Time < Number(row[Of(shown, "timestamp")])).Select(w => w.Item).ToHashSet();
                var probability = before.Contains(row[Of(shown, "item_id")]) ? 0 : 1.0 / (items.Count - before.Count);
                return (Reward: row[Of(shown, "watched")] == "true" ? 1.0 : 0, Weight: probability / Number(row[Of(shown, "propensity")]));
            }).ToArray();
        return (judged.Average(j => j.Reward), judged.Average(j => j.Reward * j.Weight), judged.Average(j => j.Weight), judged.Length);
    }

    private string OffPolicy(string from) =>
        $"off-policy --model {In("models/m/1")} --data {In("log/watches.csv")} --impressions {In("log/impressions.csv")} --split time --test-from {from}";
}
