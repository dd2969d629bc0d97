using System.Text.Json;
using RecoServe.Trainer.Commands;

namespace RecoServe.Trainer.Tests.Commands;

/// <summary>From a trained run to the reasons of a score.</summary>
[Collection(Torch.Collection)]
public sealed class ExplainCommandTests : CommandFixture
{
    [Fact]
    public async Task Explain_TrainedRun_TellsWhatEachWatchAndContextAdds()
    {
        var ids = await TrainAsync();
        Assert.Equal(0, await RunAsync($"explain --run {In("run")} --item {ids[0]} --history {ids[1]} {ids[2]} {ids[3]} --context device=tv --steps 80 --json"));

        using var json = JsonDocument.Parse(Output.ToString());
        var root = json.RootElement;
        Assert.Equal(["item_id", "watches", "context", "target", "baseline", "completeness_error"], root.EnumerateObject().Select(p => p.Name));
        Assert.Equal(ids[0], root.GetProperty("item_id").GetString());
        Assert.Equal(ids[1..4], root.GetProperty("watches").EnumerateArray().Select(w => w.GetProperty("item_id").GetString()!));
        Assert.Equal(["device", "country"], root.GetProperty("context").EnumerateArray().Select(c => c.GetProperty("key").GetString()));
        var adds = root.GetProperty("watches").EnumerateArray().Concat(root.GetProperty("context").EnumerateArray()).Select(part => part.GetProperty("attribution").GetDouble()).ToArray();
        var difference = root.GetProperty("target").GetDouble() - root.GetProperty("baseline").GetDouble();
        Assert.Equal(difference, adds.Sum(), 0.01 * Math.Abs(difference));
        Assert.InRange(root.GetProperty("completeness_error").GetDouble(), 0, 0.01);
        Assert.All(adds[..4], a => Assert.NotEqual(0, a));
        Assert.Equal(0, adds[4]);

        Output.GetStringBuilder().Clear();
        Assert.Equal(0, await RunAsync($"explain --run {In("run")} --item {ids[0]} --history {ids[1]} {ids[2]} --context device=tv"));
        var lines = Output.ToString().Split('\n');
        Assert.True(Array.FindIndex(lines, line => line.Contains($" {ids[2]} ", StringComparison.Ordinal)) < Array.FindIndex(lines, line => line.Contains($" {ids[1]} ", StringComparison.Ordinal)));
        Assert.Contains("device = tv", Output.ToString(), StringComparison.Ordinal);
        Assert.Contains("country = unknown", Output.ToString(), StringComparison.Ordinal);
        Assert.Contains(": ln probability -", Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_WhatTheRunDoesNotKnow_IsRefused()
    {
        var ids = await TrainAsync();
        var unknown = new Dictionary<string, string>
        {
            [$"--item none --history {ids[0]}"] = "--item none: the run's catalogue of ",
            [$"--item {ids[0]} --history {ids[1]} none"] = "--history none: the run's catalogue of ",
            [$"--item {ids[0]} --history {ids[1]} --context hour=3"] = "--context hour=3: the run's contexts are device, country",
            [$"--item {ids[0]} --history {ids[1]} --context device=fridge"] = "--context device=fridge: the values that the run knows are ",
            [$"--item {ids[0]} --history {ids[1]} --context device"] = "--context device: must be FIELD=VALUE",
            [$"--item {ids[0]} --history {ids[1]} --steps 0"] = "--steps must be between 1 and ",
        };
        foreach (var (options, message) in unknown)
        {
            Error.GetStringBuilder().Clear();
            Assert.Equal(CommandRunner.BadInput, await RunAsync($"explain --run {In("run")} {options}"));
            Assert.Contains(message, Error.ToString(), StringComparison.Ordinal);
        }

        Assert.Equal(CommandRunner.BadInput, await RunAsync($"explain --run {In("log")} --item {ids[0]} --history {ids[1]}"));
        Assert.Contains("holds no training run", Error.ToString(), StringComparison.Ordinal);
    }

    /// <summary>Trains with two contexts; returns item ids of the catalogue.</summary>
    private async Task<string[]> TrainAsync()
    {
        await SimulateAsync();
        Assert.Equal(0, await RunAsync(
            $"fit --data {In("log/watches.csv")} --items {In("log/items.csv")} --context device --context country --dimension 8 --batch-size 32 --learning-rate 0.02 --epochs 2 --threads 1 --out {In("run")}"));
        Output.GetStringBuilder().Clear();
        return [.. File.ReadLines(In("run/catalogue.tsv")).Skip(1).Select(line => line.Split('\t')[0])];
    }
}
