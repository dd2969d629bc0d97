using RecoServe.Trainer.Commands;
using RecoServe.Trainer.Reports;
using RecoServe.Trainer.Tests.Commands;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Tests.Objectives;

/// <summary>The objectives from the command line, on a small simulated log.</summary>
[Collection(Torch.Collection)]
public sealed class FeedbackFitTests : CommandFixture
{
    [Fact]
    public async Task Fit_ImpressionsWithAHead_ReportsWeights_ResumesBitForBit_AndIsOnACurve()
    {
        await SimulateAsync();
        var fit = Fit + " --objective ips --propensity head --propensity-rank 8 --weight-cap 500 --category-from-item 0.1";
        Assert.Equal(0, await RunAsync([.. $"{fit} --epochs 2 --out {In("one")}".Split(' '), "--reward", "1 + 4*premium"]));
        Assert.Matches("weights: mean [0-9.]+, effective [0-9.]+ % of rows, max 500, estimated reward [0-9.]+  propensity loss [0-9.]+  category loss [0-9.]+", Error.ToString());
        var lines = await File.ReadAllLinesAsync(In("one/metrics.csv"), TestContext.Current.CancellationToken);
        Assert.EndsWith(",mean_weight,effective_share,max_weight,propensity_loss,category_loss,estimated_reward,val_propensity_loss", lines[0], StringComparison.Ordinal);
        Assert.Equal("500", lines[1].Split(',')[^5]);
        Assert.Matches(@"NDCG@10 [0-9.]+( \*)?  validation propensity loss [0-9.]+  weights", Error.ToString());
        Assert.InRange(EpochTable.Read(In("one/metrics.csv")).Column("val_propensity_loss").Values[^1], 1, 10);

        Assert.Equal(0, await RunAsync([.. $"{fit} --epochs 1 --out {In("two")}".Split(' '), "--reward", "1 + 4*premium"]));
        Assert.Equal(0, await RunAsync($"fit --resume --epochs 2 --out {In("two")}".Split(' ')));
        var resumed = await File.ReadAllLinesAsync(In("two/metrics.csv"), TestContext.Current.CancellationToken);
        Assert.Equal(WithoutTimes(lines[2]), WithoutTimes(resumed[2]));
        Assert.Equal(CommandRunner.BadInput, await RunAsync([.. $"fit --resume --epochs 2 --out {In("two")}".Split(' '), "--reward", "1 + 5*premium"]));
        Assert.Contains("another log", Error.ToString(), StringComparison.Ordinal);

        Assert.Equal(0, await RunAsync($"{fit} --epochs 1 --out {In("plain")}".Split(' ')));
        string[] tradeoff = $"tradeoff --run {In("plain")} --trained 5={In("two")} --data {In("log/watches.csv")} --items {In("log/items.csv")} --rho 1 8 --out {In("curve")}".Split(' ');
        Assert.True(await ActionThread.IsOfPoolAsync(TradeoffCommand.Create(), tradeoff));
        Assert.Equal(0, await RunAsync(tradeoff));
        Assert.Contains("recall@20", Output.ToString(), StringComparison.Ordinal);
        Assert.Equal(4, (await File.ReadAllLinesAsync(In("curve/tradeoff.csv"), TestContext.Current.CancellationToken)).Length);
        Assert.True(File.Exists(In("curve/tradeoff.png")));
    }

    /// <summary>With steps of next to nothing, what a run begins with is what it ends with: the shift of the run that it starts from.</summary>
    [Fact]
    public async Task StartFrom_RunWithoutReward_IsOnItsCurve()
    {
        await SimulateAsync();
        var fit = $"fit --data {In("log/watches.csv")} --items {In("log/items.csv")} --dimension 8 --batch-size 32 --threads 1";
        Assert.Equal(0, await RunAsync($"{fit} --learning-rate 0.02 --epochs 4 --out {In("one")}".Split(' ')));
        Assert.Equal(0, await RunAsync([.. $"{fit} --learning-rate 1e-6 --epochs 1 --start-from {In("one")} --out {In("eight")}".Split(' '), "--reward", "CASE WHEN premium THEN 8 ELSE 1 END"]));
        Assert.Equal(0, await RunAsync($"tradeoff --run {In("one")} --trained 8={In("eight")} --data {In("log/watches.csv")} --items {In("log/items.csv")} --rho 1 8 --out {In("curve")}".Split(' ')));
        var points = (await File.ReadAllLinesAsync(In("curve/tradeoff.csv"), TestContext.Current.CancellationToken)).Skip(1).Select(l => l.Split(',')).ToArray();
        Assert.Equal(Number(points[1][2]), Number(points[2][2]), 0.04); // six of 143 questions
        Assert.Equal(Number(points[1][3]), Number(points[2][3]), 0.02);
        Assert.True(Number(points[1][3]) > Number(points[0][3]) + 0.1);
        Assert.Equal("one", RunFolder.Open(In("eight")).Settings.Data[RunSettings.StartKey]);

        Assert.Equal(CommandRunner.BadInput, await RunAsync($"{fit} --context device --start-from {In("one")} --out {In("other")}".Split(' ')));
        Assert.Contains("--context device: ", Error.ToString(), StringComparison.Ordinal);
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"{fit} --dimension 16 --start-from {In("one")} --out {In("other")}".Replace("--dimension 8 ", "", StringComparison.Ordinal).Split(' ')));
        Assert.Contains($"{In("one")} has the weights of another network: --dimension 8, not 16; --state-dimension 8, not 16", Error.ToString(), StringComparison.Ordinal);
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"{fit} --split time --start-from {In("one")} --out {In("other")}".Split(' ')));
        Assert.Contains($"{In("one")} was trained with the split leave-one-out; split by time", Error.ToString(), StringComparison.Ordinal);
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"{fit} --start-from {In("none")} --out {In("other")}".Split(' ')));
        Assert.Contains("holds no training run", Error.ToString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("other")));

        static double Number(string field) => double.Parse(field, System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>One more watch of the last user: the test of the run is learned here, and that of this log there.</summary>
    [Fact]
    public async Task StartFromAndTradeoff_RunOnFewerEvents_IsRefusedWithTheCounts()
    {
        await SimulateAsync();
        var log = $"--data {In("log/watches.csv")} --items {In("log/items.csv")}";
        var fit = $"fit {log} --dimension 8 --batch-size 32 --threads 1 --epochs 1";
        Assert.Equal(0, await RunAsync($"{fit} --out {In("run")}".Split(' ')));
        Assert.Equal(0, await RunAsync([.. $"{fit} --out {In("four")}".Split(' '), "--reward", "1 + 3*premium"]));
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"tradeoff --run {In("four")} {log} --out {In("curve")}".Split(' ')));
        Assert.Contains($"--run {In("four")}: was trained with rewards; the curve is of a run without --reward and --reward-horizon", Error.ToString(), StringComparison.Ordinal);

        var lines = (await File.ReadAllLinesAsync(In("log/watches.csv"), TestContext.Current.CancellationToken)).Where(l => l.Length > 0).ToList();
        await File.WriteAllLinesAsync(In("log/watches.csv"), lines.Append(lines[^1]), TestContext.Current.CancellationToken);
        foreach (var command in (string[])[$"{fit} --start-from {In("run")} --out {In("other")}", $"tradeoff --run {In("run")} {log} --out {In("curve")}"])
        {
            Error.GetStringBuilder().Clear();
            Assert.Equal(CommandRunner.BadInput, await RunAsync(command.Split(' ')));
            Assert.Contains($"{In("run")} was trained on {lines.Count - 1} events, not {lines.Count}; ", Error.ToString(), StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(In("other")) || Directory.Exists(In("curve")));
    }

    /// <summary>What docs/training.md says of choosing BanditNet's λ.</summary>
    [Fact]
    public async Task Search_OverLambda_TellsMeanWeightAndEstimatedRewardOfEach()
    {
        await SimulateAsync();
        await File.WriteAllTextAsync(
            In("space.yaml"),
            $"""
            fit:
              data: {In("log/watches.csv")}
              impressions: {In("log/impressions.csv")}
              dimension: 8
              batch-size: 32
              learning-rate: 0.02
              epochs: 3
              threads: 1
              objective: reinforce
              propensity: column
              self-normalise: false
            space:
              baseline: [0, 0.9]
            """,
            TestContext.Current.CancellationToken);
        Assert.Equal(0, await RunAsync($"search --space {In("space.yaml")} --trials 2 --out {In("search")}".Split(' ')));
        var trials = Enumerable.Range(1, 2).Select(trial => RunFolder.Open(In($"search/trial-00{trial}"))).OrderBy(run => run.Settings.Fit.Objective.Baseline).ToArray();
        var weights = trials.Select(run => EpochTable.Read(Path.Combine(run.Path, "metrics.csv")).Column("mean_weight").Values[^1]).ToArray();
        Assert.True(weights[0] > weights[1] + 0.05, string.Join(' ', weights)); // pushed away from most of what was logged
        Assert.All(trials, run => Assert.InRange(EpochTable.Read(Path.Combine(run.Path, "metrics.csv")).Column("estimated_reward").Values[^1], 0, 1));
    }

    [Fact]
    public async Task Tradeoff_LogThatTheRunCannotRead_IsRefusedByName()
    {
        await SimulateAsync();
        Assert.Equal(0, await RunAsync($"{Fit} --context device --context country --epochs 1 --out {In("run")}".Split(' ')));
        Assert.Equal(0, await RunAsync($"{Fit} --time-gaps true --epochs 1 --out {In("timed")}".Split(' ')));
        Assert.Equal(0, await RunAsync($"{Fit} --keep-seen --epochs 1 --out {In("kept")}".Split(' ')));
        var lines = (await File.ReadAllLinesAsync(In("log/watches.csv"), TestContext.Current.CancellationToken)).Select(l => l.Split(',')).ToArray();
        var (user, item) = (Array.IndexOf(lines[0], "user_id"), Array.IndexOf(lines[0], "item_id"));
        await File.WriteAllLinesAsync(In("untimed.txt"), lines.Skip(1).Select(l => $"{l[user]} {l[item]}"), TestContext.Current.CancellationToken);
        await File.WriteAllLinesAsync(In("few.csv"), lines.Take(100).Select(l => string.Join(',', l)), TestContext.Current.CancellationToken);

        await Refuses("run", "log/watches.csv", "", "give --context device --context country");
        await Refuses("run", "log/watches.csv", "--context country --context device", "give --context device --context country");
        await Refuses("run", "log/watches.csv", "--context device --context country --context hour", "--context hour: ");
        await Refuses("run", "few.csv", "", "was trained on other items than the ");
        await Refuses("timed", "untimed.txt", "", "reads time gaps, and the log has no times");
        await Refuses("timed", "log/watches.csv", "--split time", "was trained with the split leave-one-out; split by time");
        await Refuses("kept", "log/watches.csv", $"--rho 1 --trained 4={In("timed")}", "was trained with full ranking, seen items removed, ties optimistic; the run of the curve with full ranking, seen items kept");
        Assert.False(Directory.Exists(In("curve")));

        async Task Refuses(string run, string log, string options, string message)
        {
            Error.GetStringBuilder().Clear();
            var command = $"tradeoff --run {In(run)} --data {In(log)} --items {In("log/items.csv")} --out {In("curve")} {options}";
            Assert.Equal(CommandRunner.BadInput, await RunAsync(command.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
            Assert.Contains(message, Error.ToString(), StringComparison.Ordinal);
        }
    }

    /// <summary>Codes of an attribute's values are by their first appearance, so that one item's new value may change those of all.</summary>
    [Fact]
    public async Task Tradeoff_ItemsFileEditedSince_ReadsTheRunsOwn()
    {
        await SimulateAsync();
        Assert.Equal(0, await RunAsync($"{Fit} --item-feature category --epochs 3 --out {In("run")}".Split(' ')));
        var tradeoff = $"tradeoff --run {In("run")} --data {In("log/watches.csv")} --items {In("log/items.csv")} --rho 1 8 --out ";
        Assert.Equal(0, await RunAsync($"{tradeoff}{In("before")}".Split(' ')));

        var lines = (await File.ReadAllLinesAsync(In("log/items.csv"), TestContext.Current.CancellationToken)).Select(l => l.Split(',')).ToArray();
        var (item, category) = (Array.IndexOf(lines[0], "item_id"), Array.IndexOf(lines[0], "category"));
        var first = RunFolder.Open(In("run")).ReadCatalogue().IdOf(1);
        var edited = lines.Single(l => l[item] == first);
        edited[category] = lines.Skip(1).First(l => l[category] != edited[category])[category];
        await File.WriteAllLinesAsync(In("log/items.csv"), lines.Select(l => string.Join(',', l)), TestContext.Current.CancellationToken);
        Assert.Equal(0, await RunAsync($"{tradeoff}{In("after")}".Split(' ')));
        Assert.Equal(
            await File.ReadAllTextAsync(In("before/tradeoff.csv"), TestContext.Current.CancellationToken),
            await File.ReadAllTextAsync(In("after/tradeoff.csv"), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("--objective clicks --loss sampled --negatives 50 --negative-power 0.5")]
    [InlineData("--objective clicks --loss gbce --negatives 50")]
    [InlineData("--objective reinforce --propensity column --baseline 0.5 --self-normalise false")]
    [InlineData("--objective top-k --slate-size 8 --propensity frequency --weight-cap 20")]
    public async Task Fit_EveryObjective_TrainsAndRepeatsFromItsConfig(string options)
    {
        await SimulateAsync();
        Assert.Equal(0, await RunAsync($"{Fit} {options} --epochs 1 --out {In("run")}".Split(' ')));
        Assert.Contains("all epochs are done", Error.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync($"fit --config {In("run/config.yaml")} --out {In("again")}".Split(' ')));
        Assert.Equal(
            await File.ReadAllTextAsync(In("run/metrics.json"), TestContext.Current.CancellationToken),
            await File.ReadAllTextAsync(In("again/metrics.json"), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("--objective ips", "--objective other than clicks needs --propensity: column, frequency or head")]
    [InlineData("--objective clicks --propensity head", "--propensity is of --objective ips, reinforce and top-k")]
    [InlineData("--objective best", "--objective: \"best\" must be one of clicks, ips, reinforce, top-k")]
    [InlineData("--loss gbce --objective top-k --propensity head", "--loss gbce has no ln π")]
    [InlineData("--weight-cap -1", "--weight-cap must be between 0 and")]
    [InlineData("--baseline 2", "--baseline 2 is above the lowest reward, 0")]
    [InlineData("--category-from-item 1 --category-attribute genre", "--category-attribute genre: items have no such attribute, only ")]
    [InlineData("--weight-cap 5", "--weight-cap is of --objective ips, reinforce and top-k: it would change nothing here")]
    [InlineData("--self-normalise false", "--self-normalise is of --objective ips, reinforce and top-k")]
    [InlineData("--objective ips --propensity column --slate-size 8", "--slate-size is of --objective top-k")]
    [InlineData("--objective ips --propensity column --propensity-rank 8", "--propensity-rank is of --propensity head")]
    [InlineData("--objective ips --propensity head --propensity-smoothing 2", "--propensity-smoothing is of --propensity frequency")]
    [InlineData("--negatives 50", "--negatives is of --loss sampled and gbce")]
    [InlineData("--loss gbce --log-q 0.5", "--log-q is of --loss sampled")]
    [InlineData("--loss sampled --calibration 0.5", "--calibration is of --loss gbce")]
    [InlineData("--category-attribute channel", "--category-attribute is of --category-from-state and --category-from-item")]
    [InlineData("--reward-discount 0", "--reward-discount must be above 0 and at most 1")]
    public async Task Fit_WhatCannotBe_IsRefusedByName(string options, string message)
    {
        await SimulateAsync();
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"{Fit} {options} --out {In("run")}".Split(' ')));
        Assert.Contains(message, Error.ToString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("run")));
    }

    /// <summary>Of watches alone: what was shown is not known, and every row is worth 1.</summary>
    [Theory]
    [InlineData("--objective ips --propensity head", "--propensity frequency and head learn from what was shown: --impressions names")]
    [InlineData("--objective top-k --propensity frequency", "--propensity frequency and head learn from what was shown: --impressions names")]
    [InlineData("--baseline 1", "--baseline 1 is the reward of every row: none would weigh anything")]
    [InlineData("--baseline 2 --reward 2", "--baseline 2 is the reward of every row")]
    public async Task Fit_WatchesAlone_WhatCannotBe_IsRefusedByName(string options, string message)
    {
        await SimulateAsync();
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"fit --data {In("log/watches.csv")} --threads 1 {options} --out {In("run")}".Split(' ')));
        Assert.Contains(message, Error.ToString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("run")));
    }

    private string Fit => $"fit --data {In("log/watches.csv")} --impressions {In("log/impressions.csv")} --items {In("log/items.csv")} "
        + "--dimension 8 --batch-size 32 --learning-rate 0.02 --threads 1";

    private static string WithoutTimes(string line) => string.Join(',', line.Split(',').Where((_, i) => i is not (4 or 5)));
}
