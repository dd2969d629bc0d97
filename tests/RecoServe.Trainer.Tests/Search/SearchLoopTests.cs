using RecoServe.Trainer.Configuration;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Search;
using RecoServe.Trainer.Tests.Data;

namespace RecoServe.Trainer.Tests.Search;

public sealed class SearchLoopTests : IDisposable
{
    private static readonly Trial[] Trials = [.. Enumerable.Range(1, 9).Select(n => new Trial(n, [$"{n}", "a,b"]))];

    private readonly InputFiles _files = new();
    private readonly List<string> _trained = [];

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(9, 1, 9, 3, "1 3 9")]
    [InlineData(10, 2, 100, 3, "2 6 18 54")]
    [InlineData(4, 5, 7, 2, "5 7")]
    [InlineData(1, 5, 7, 2, "7")]
    [InlineData(8, 9, 7, 2, "7")]
    public void Halving_Rungs_GrowByEtaUntilOneIsLeftOrTheEpochsAreUsedUp(int trials, int min, int max, int eta, string expected) =>
        Assert.Equal(expected, string.Join(' ', SearchLoop.Halving(trials, min, max, eta)));

    [Fact]
    public async Task Run_Halving_TheBestThirdGoesOn()
    {
        var best = await RunAsync([1, 3, 9], (trial, _) => trial.Number);

        Assert.Equal("1:1 2:1 3:1 4:1 5:1 6:1 7:1 8:1 9:1 9:3 8:3 7:3 9:9", string.Join(' ', _trained));
        Assert.Equal((9, 3), (best!.Trial.Number, best.Rung));
    }

    [Fact]
    public async Task Run_FailedTrials_DoNotGoOn()
    {
        var best = await RunAsync([1, 3], (trial, _) => trial.Number is 5 or 2 ? 1 : double.NaN);

        Assert.Equal("2:3 5:3", string.Join(' ', _trained[9..]));
        Assert.Equal(2, best!.Trial.Number);
        Assert.Null(await RunAsync([null], (_, _) => double.NaN, "other.csv"));
    }

    [Fact]
    public async Task Run_LastRungFails_TheBestIsThatOfTheRungBefore()
    {
        var best = await RunAsync([1, 3, 9], (trial, rung) => rung == 3 ? double.NaN : trial.Number);

        Assert.Equal((9, 2), (best!.Trial.Number, best.Rung));
    }

    [Fact]
    public async Task Run_Interrupted_GoesOnWhereItStopped()
    {
        await Assert.ThrowsAsync<OperationCanceledException>(() => RunAsync([1, 3, 9], (trial, rung) => trial.Number == 8 && rung == 2 ? throw new OperationCanceledException() : trial.Number));
        _trained.Clear();

        var best = await RunAsync([1, 3, 9], (trial, _) => trial.Number);

        Assert.Equal("8:3 7:3 9:9", string.Join(' ', _trained));
        Assert.Equal(9, best!.Trial.Number);
    }

    [Fact]
    public async Task Open_ResultsOfAnotherSearch_AreRefused()
    {
        await RunAsync([1], (trial, _) => trial.Number);
        var path = _files.PathOf("results.csv");

        Trial[] others = [.. Trials.Select(t => t with { Values = ["x", "a,b"] })];
        Assert.StartsWith($"{path} line 2: trial 1 has other values", Assert.Throws<DataException>(() => SearchResults.Open(path, ["x", "y"], others)).Message, StringComparison.Ordinal);
        Assert.StartsWith($"{path} line 1: is of a search with other options", Assert.Throws<DataException>(() => SearchResults.Open(path, ["x", "z"], Trials)).Message, StringComparison.Ordinal);
        await File.AppendAllTextAsync(path, "99,1,1,0,0,0,1,2\n", TestContext.Current.CancellationToken);
        Assert.StartsWith($"{path} line 11: is no result", Assert.Throws<DataException>(() => SearchResults.Open(path, ["x", "y"], Trials)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Require_PlanOfAnotherSearch_NamesWhatDiffers()
    {
        var path = _files.PathOf("search.json");
        ConfigSetting[] fit = [new("data", ["a.csv", "b.csv"], 2), new("dropout", ["0.1"], 3)];
        SearchPlan.Require(path, SearchPlan.Of("halving", [3, 9], 3, fit));
        SearchPlan.Require(path, SearchPlan.Of("halving", [3, 9], 3, [fit[1], fit[0] with { Line = 7 }]));

        Assert.Equal($"{path}: is of another search: epochs of the rungs was 3 9, and is 2 6; name another folder", Refused("halving", [2, 6], 3, fit));
        Assert.Equal($"{path}: is of another search: --eta was 3, and is 2; name another folder", Refused("halving", [3, 9], 2, fit));
        Assert.Equal(
            $"{path}: is of another search: --method was halving, and is random; epochs of the rungs was 3 9, and is none; --eta was 3, and is none; name another folder",
            Refused("random", [null], 3, fit));
        Assert.Equal(
            $"{path}: is of another search: fit: dropout was 0.1, and is 0.2; fit: layers was none, and is 2; name another folder",
            Refused("halving", [3, 9], 3, [fit[0], fit[1] with { Values = ["0.2"] }, new("layers", ["2"], 4)]));
        File.WriteAllText(path, "[");
        Assert.StartsWith($"{path}: is no plan of a search", Refused("halving", [3, 9], 3, fit), StringComparison.Ordinal);

        string Refused(string method, int?[] rungs, int eta, ConfigSetting[] settings) =>
            Assert.Throws<DataException>(() => SearchPlan.Require(path, SearchPlan.Of(method, rungs, eta, settings))).Message;
    }

    private Task<TrialResult?> RunAsync(int?[] rungs, Func<Trial, int, double> score, string file = "results.csv")
    {
        var results = SearchResults.Open(_files.PathOf(file), ["x", "y"], Trials);
        var loop = new SearchLoop(rungs, 3, results, (trial, rung, epochs, _) =>
        {
            var value = score(trial, rung);
            _trained.Add($"{trial.Number}:{epochs}");
            return Task.FromResult(new TrialResult(trial, rung, epochs ?? 0, value, value, 1));
        });
        return loop.RunAsync(Trials, TestContext.Current.CancellationToken);
    }
}
