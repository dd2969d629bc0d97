using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Commands;
using RecoServe.Trainer.Tests.Commands;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Tests.Training;

[Collection(Torch.Collection)]
public sealed class FitCommandTests : CommandFixture
{
    [Fact]
    public async Task Fit_ThenExport_PublishesATestedModel()
    {
        WriteCycle();
        Assert.Equal(0, await RunAsync($"fit --data {In("log.txt")} --out {In("run")} {Quick} --epochs 12"));
        Assert.Contains("epoch  12  loss", Error.ToString(), StringComparison.Ordinal);
        Assert.Contains("all epochs are done", Error.ToString(), StringComparison.Ordinal);
        Assert.Contains("HR@10", Output.ToString(), StringComparison.Ordinal);
        Assert.Equal(13, File.ReadLines(In("run/metrics.csv")).Count());
        Assert.Contains("learning_rate", await File.ReadAllTextAsync(In("run/report.html"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        using var metrics = JsonDocument.Parse(await File.ReadAllTextAsync(In("run/metrics.json"), TestContext.Current.CancellationToken));
        Assert.InRange(metrics.RootElement.GetProperty("test/HR@1").GetDouble(), 0.9, 1);

        Assert.Equal(0, await RunAsync($"export --run {In("run")} --repository {In("models")} --name cycle"));
        Assert.Contains("same top 100 in 100.00", Output.ToString(), StringComparison.Ordinal);
        var package = ModelPackage.Open(In("models/cycle/1"));
        Assert.Equal(metrics.RootElement.GetProperty("test/HR@1").GetDouble(), package.Manifest.Metrics["test/HR@1"]);
        Assert.Equal("log.txt", package.Manifest.Settings["data/log"]);
        Assert.Contains(PackageFiles.Training, package.Manifest.Files.Keys);
        var training = await File.ReadAllTextAsync(package.PathOf(PackageFiles.Training), TestContext.Current.CancellationToken);
        Assert.Contains("data: log.txt\n", training, StringComparison.Ordinal);
        Assert.Contains("epochs: 12\n", training, StringComparison.Ordinal);
        await File.AppendAllTextAsync(package.PathOf(PackageFiles.Training), "#", TestContext.Current.CancellationToken);
        Assert.Contains(PackageFiles.Training, Assert.Throws<PackageException>(() => ModelPackage.Open(In("models/cycle/1"))).Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(package.PathOf(PackageFiles.Training), training, TestContext.Current.CancellationToken);
        Assert.Equal("16", package.Manifest.Settings["fit/dimension"]);

        // The package, run by the serving code, is as good as the network was in training.
        Output.GetStringBuilder().Clear();
        Assert.Equal(0, await RunAsync($"evaluate --data {In("log.txt")} --model {In("models/cycle/1")} --json"));
        using var evaluated = JsonDocument.Parse(Output.ToString());
        foreach (var part in new[] { "validation", "test" })
        {
            foreach (var metric in evaluated.RootElement.GetProperty(part).EnumerateObject())
                Assert.Equal(metrics.RootElement.GetProperty($"{part}/{metric.Name}").GetDouble(), metric.Value.GetDouble(), 1e-9);
        }
    }

    [Fact]
    public async Task Evaluate_PackageOfAnotherLog_MatchesItemsByName()
    {
        WriteCycle();
        Assert.Equal(0, await RunAsync($"fit --data {In("log.txt")} --out {In("run")} {Quick} --epochs 12"));
        Assert.Equal(0, await RunAsync($"export --run {In("run")} --repository {In("models")} --name cycle"));
        // The same cycle without item 1, so that every index differs, and with a stranger whom nobody can predict.
        await File.WriteAllLinesAsync(
            In("other.txt"), Enumerable.Range(0, 20).SelectMany(u => new[] { "999", "2", "3", "4", "5", "6", "7", "8" }.Select(i => $"u{u} {i}")), TestContext.Current.CancellationToken);
        Output.GetStringBuilder().Clear();
        Assert.Equal(0, await RunAsync($"evaluate --data {In("other.txt")} --model {In("models/cycle/1")} --part test --json"));
        using var evaluated = JsonDocument.Parse(Output.ToString());
        Assert.Equal(1, evaluated.RootElement.GetProperty("test").GetProperty("HR@1").GetDouble());
    }

    [Fact]
    public async Task Evaluate_OtherSplitThanInTraining_IsSaid()
    {
        await File.WriteAllLinesAsync(
            In("log.csv"), ["user_id,item_id,timestamp", .. Enumerable.Range(0, 600).Select(e => $"u{e % 30},{((e + (e / 30)) % 30) + 1},{e}")], TestContext.Current.CancellationToken);
        Assert.Equal(0, await RunAsync($"fit --data {In("log.csv")} --out {In("run")} {Quick} --epochs 1"));
        Assert.Equal(0, await RunAsync($"export --run {In("run")} --repository {In("models")} --name cycle"));
        var evaluate = $"evaluate --data {In("log.csv")} --model {In("models/cycle/1")} --part test";
        Assert.Equal(0, await RunAsync(evaluate));
        Assert.Equal(0, await RunAsync($"{evaluate} --counted-on validation"));
        Assert.DoesNotContain("with the split", Error.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync($"{evaluate} --split time"));
        Assert.Contains(
            $"recotrain: {In("models/cycle/1")} was trained on log.csv with the split leave-one-out, and may have learned what split by time", Error.ToString(), StringComparison.Ordinal);
    }

    /// <summary>Half of what the model reads is not given: the numbers are those of another model, and it is said.</summary>
    [Fact]
    public async Task Evaluate_WithoutContextsTimesAndRankingOfTheTraining_IsSaid()
    {
        WriteCycle();
        await File.WriteAllLinesAsync(
            In("log.csv"), ["user_id,item_id,timestamp,device,tab", .. Enumerable.Range(0, 600).Select(e => $"u{e % 30},{((e + (e / 30)) % 30) + 1},{e},d{e % 2},t{e % 3}")], TestContext.Current.CancellationToken);
        Assert.Equal(0, await RunAsync($"fit --data {In("log.csv")} --context device,tab --time-gaps true --keep-seen --out {In("run")} {Quick} --epochs 1"));
        string[] export = $"export --run {In("run")} --repository {In("models")} --name cycle".Split(' ');
        Assert.True(await ActionThread.IsOfPoolAsync(ExportCommand.Create(), export));
        Assert.Equal(CommandRunner.Cancelled, await CommandRunner.RunWithinAsync(new RootCommand { ExportCommand.Create() }, export, TextWriter.Null, new CancellationToken(canceled: true)));
        Assert.Equal("1", Path.GetFileName(Assert.Single(Directory.EnumerateFileSystemEntries(In("models/cycle")))));
        var model = In("models/cycle/1");
        Assert.Equal(0, await RunAsync($"evaluate --data {In("log.csv")} --context tab,device --keep-seen --model {model} --part test"));
        Assert.DoesNotContain($"recotrain: {model}", Error.ToString(), StringComparison.Ordinal);

        Error.GetStringBuilder().Clear();
        Assert.Equal(0, await RunAsync($"evaluate --data {In("log.txt")} --model {model} --part test"));
        Assert.Equal(
            [
                $"recotrain: {model} reads the context device, which is unknown here; --context device gives it",
                $"recotrain: {model} reads the context tab, which is unknown here; --context tab gives it",
                $"recotrain: {model} reads time gaps, which are unknown here: the log has no times; a table with a column timestamp has",
                $"recotrain: {model} was validated with full ranking, seen items kept, ties optimistic; here it is full ranking, seen items removed, ties optimistic",
            ],
            Error.ToString().TrimEnd().Split(Environment.NewLine));
    }

    [Fact]
    public async Task Evaluate_TargetsThatTheModelDoesNotKnow_AreMissesOrRefused()
    {
        WriteCycle();
        Assert.Equal(0, await RunAsync($"fit --data {In("log.txt")} --out {In("run")} {Quick} --epochs 1"));
        Assert.Equal(0, await RunAsync($"export --run {In("run")} --repository {In("models")} --name cycle"));
        Output.GetStringBuilder().Clear();
        await File.WriteAllTextAsync(In("half.txt"), "u 1\nu 2\nu 3\nv 1\nv x\nv y\n", TestContext.Current.CancellationToken);
        Assert.Equal(0, await RunAsync($"evaluate --data {In("half.txt")} --model {In("models/cycle/1")} --part test --json"));
        Assert.Contains("test: 1 of 2 targets are items the model does not know: misses", Error.ToString(), StringComparison.Ordinal);
        using var evaluated = JsonDocument.Parse(Output.ToString());
        Assert.Equal(1, evaluated.RootElement.GetProperty("unknown_targets").GetProperty("test").GetInt32());
        Assert.Equal(0.5, evaluated.RootElement.GetProperty("test").GetProperty("HR@50").GetDouble());

        await File.WriteAllTextAsync(In("strange.txt"), "u x\nu y\nu z\n", TestContext.Current.CancellationToken);
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"evaluate --data {In("strange.txt")} --model {In("models/cycle/1")}"));
        Assert.Contains("knows none of the log's 3 items, such as \"x\"; its own are such as \"1\"", Error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fit_SettingsOfTheData_AreRecorded()
    {
        WriteCycle();
        await File.WriteAllTextAsync(In("items.csv"), "item_id,tag\n1,a;b\n", TestContext.Current.CancellationToken);
        Assert.Equal(0, await RunAsync(
            $"fit --data {In("log.txt")} --items {In("items.csv")} --column category=tag --separator category=; --out {In("run")} {Quick} --epochs 1"));
        var recorded = RunFolder.Open(In("run")).Settings.Data;
        Assert.Equal(("items.csv", "category=tag", "category=;"), (recorded["item_file"], recorded["columns"], recorded["separators"]));
    }

    [Fact]
    public async Task Fit_Decay_IsPlannedOverTheEpochsOfTheStart()
    {
        WriteCycle();
        Assert.Equal(0, await RunAsync($"fit --data {In("log.txt")} --out {In("run")} {Quick} --epochs 2 --decay linear --accumulate 2"));
        Assert.Equal(0, await RunAsync($"fit --data {In("log.txt")} --out {In("run")} --resume --epochs 3"));
        Assert.Equal((DecayKind.Linear, 2, 2), RunFolder.Open(In("run")).Settings.Fit is var fit ? (fit.Decay, fit.DecayEpochs, fit.Accumulate) : default);
        Assert.Equal(["0.02", "0.00666667", "0"], File.ReadLines(In("run/metrics.csv")).Skip(1).Select(line => line.Split(',')[6]));
    }

    [Fact]
    public async Task Fit_ResumedWithMoreEpochs_EqualsOneRun()
    {
        WriteCycle();
        Assert.Equal(0, await RunAsync($"fit --data {In("log.txt")} --out {In("one")} {Quick} --epochs 4"));
        Assert.Equal(0, await RunAsync($"fit --data {In("log.txt")} --out {In("two")} {Quick} --epochs 2"));
        Assert.Equal(0, await RunAsync($"fit --data {In("log.txt")} --out {In("two")} --resume --epochs 4"));
        Assert.Equal(await File.ReadAllTextAsync(In("one/metrics.json"), TestContext.Current.CancellationToken), await File.ReadAllTextAsync(In("two/metrics.json"), TestContext.Current.CancellationToken));
        Assert.Equal(Columns(In("one/metrics.csv")), Columns(In("two/metrics.csv")));
        foreach (var file in (string[])["config.yaml", "options.json"])
            Assert.Equal(await File.ReadAllTextAsync(In($"one/{file}"), TestContext.Current.CancellationToken), await File.ReadAllTextAsync(In($"two/{file}"), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("--dropout 0.96", "--dropout must be between 0 and 0.95")]
    [InlineData("--learning-rate abc", "recotrain: --learning-rate: \"abc\" is not a number")]
    [InlineData("--epochs 1.5", "recotrain: --epochs: \"1.5\" is not a whole number")]
    [InlineData("--epochs 0", "--epochs must be between 1 and 100000")]
    [InlineData("--network lstm", "--network: \"lstm\" must be one of gru, sasrec, ligr")]
    [InlineData("--heads 2", "--heads is of a Transformer; --network gru has none")]
    [InlineData("--network sasrec --heads 3", "--heads 3 does not divide --dimension 64")]
    [InlineData("--memory 50", "--memory is of a Transformer; --network gru has another")]
    [InlineData("--time-gaps true", "--time-gaps: the log has no times; a table with a column timestamp has")]
    [InlineData("--history-context true", "--history-context: there is no context; --context names columns of the log")]
    [InlineData("--optimiser sgd", "--optimiser: \"sgd\" must be one of adam, sparse-adam")]
    [InlineData("--optimiser sparse-adam", "--optimiser sparse-adam is of losses that use some items: --loss sampled or gbce; --loss softmax uses all")]
    [InlineData("--average 1", "--average must be between 0 and 0.99999")]
    [InlineData("--exclude-watched true --loss sampled", "--exclude-watched is of --loss softmax")]
    [InlineData("--optimiser sparse-adam --loss gbce --average 0.9", "--optimiser sparse-adam does not go with --average")]
    [InlineData("--optimiser sparse-adam --loss gbce --item-feature x", "--optimiser sparse-adam does not go with --item-feature")]
    [InlineData("--item-feature category", "--item-feature category: the items have no attribute of this name; they have none (--items names a file of them)")]
    public async Task Fit_ValueOutOfRange_NamesTheOption(string option, string message)
    {
        WriteCycle();
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"fit --data {In("log.txt")} --out {In("run")} {option}"));
        Assert.Contains(message, Error.ToString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("run")));
    }

    [Theory]
    [InlineData("fit --out RUN")]
    [InlineData("evaluate --baseline pop")]
    public async Task LogWithoutTargets_IsRefused(string command)
    {
        await File.WriteAllTextAsync(In("log.txt"), "u 1\nu 2\nv 2\n", TestContext.Current.CancellationToken);
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"{command.Replace("RUN", In("run"), StringComparison.Ordinal)} --data {In("log.txt")}"));
        Assert.Equal("recotrain: no user of the log has 3 events or more; at least one is needed, for a validation and a test target", Error.ToString().TrimEnd());
        Assert.Empty(Output.ToString());
        Assert.False(Directory.Exists(In("run")));
    }

    [Fact]
    public async Task Fit_FolderThatIsAFile_IsRefusedBeforeTheLogIsRead()
    {
        await File.WriteAllTextAsync(In("run"), "mine", TestContext.Current.CancellationToken);
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"fit --data {In("absent.txt")} --out {In("run")}"));
        Assert.Equal($"recotrain: {In("run")} is a file; give a folder", Error.ToString().TrimEnd());
    }

    [Fact]
    public async Task Fit_TransformerWithItemFeatures_IsResumedAndExported()
    {
        WriteCycle();
        await File.WriteAllLinesAsync(
            In("items.csv"), ["item_id,category,language", .. Enumerable.Range(1, 30).Select(i => $"{i},a{i % 4}|b{i % 3},l{i % 2}")], TestContext.Current.CancellationToken);
        var fit = $"fit --data {In("log.txt")} --items {In("items.csv")} --out {In("run")}";
        Assert.Equal(0, await RunAsync($"{fit} --network sasrec --dimension 16 --item-feature category language --output separate --item-bias false --epochs 1 --threads 1"));
        Assert.Equal(0, await RunAsync($"{fit} --resume --epochs 2 --item-feature category language"));
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"{fit} --resume --item-feature language"));
        Assert.Contains("--item-feature cannot change within a run: it is category language", Error.ToString(), StringComparison.Ordinal);
        var stored = RunFolder.Open(In("run")).Settings.Fit;
        Assert.Equal((2, true, 1e-3), (stored.Layers, stored.ScaleInput, stored.LearningRate));
        Assert.Equal(0, await RunAsync($"export --run {In("run")} --repository {In("models")} --name cycle"));
        Assert.Equal("sasrec", ModelPackage.Open(In("models/cycle/1")).Manifest.Settings["fit/network"]);
        Assert.Contains("sasrec: 60 users", Output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fit_Resume_RefusesOtherNetworkOtherLogAndNoRun()
    {
        WriteCycle();
        Assert.Equal(0, await RunAsync($"fit --data {In("log.txt")} --out {In("run")} {Quick} --epochs 1"));
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"fit --data {In("log.txt")} --out {In("run")} --resume --layers 2"));
        Assert.Contains("--layers cannot change within a run: it is 1", Error.ToString(), StringComparison.Ordinal);
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"fit --data {In("log.txt")} --out {In("run")}"));
        Assert.Contains("holds a training run already", Error.ToString(), StringComparison.Ordinal);
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"fit --data {In("log.txt")} --out {In("none")} --resume"));
        Assert.Contains("holds no training run", Error.ToString(), StringComparison.Ordinal);
        await File.AppendAllTextAsync(In("log.txt"), "u99 1\nu99 2\nu99 3\n", TestContext.Current.CancellationToken);
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"fit --data {In("log.txt")} --out {In("run")} --resume"));
        Assert.Contains("another log", Error.ToString(), StringComparison.Ordinal);
    }

    /// <summary>Everybody has seen everything: without the seen items the target is alone, and found by a model that has learned nothing.</summary>
    [Fact]
    public async Task Fit_RankingOptions_HoldForValidationAndTest()
    {
        WriteCycle(events: 60);
        var fit = $"fit --data {In("log.txt")} --dimension 16 --learning-rate 1e-6 --item-bias false --epochs 1 --threads 1 --cutoffs 3";
        Assert.Equal(0, await RunAsync($"{fit} --out {In("removed")}"));
        Assert.Equal(0, await RunAsync($"{fit} --out {In("kept")} --keep-seen --ties pessimistic"));
        Assert.Contains("seen items kept, ties pessimistic", Output.ToString(), StringComparison.Ordinal);
        Assert.Equal((1, 1, 0), Scores("removed"));
        var (validation, test, coverage) = Scores("kept");
        Assert.InRange(validation, 0, 0.8);
        Assert.InRange(test, 0, 0.5);
        Assert.True(coverage > 0);

        Assert.Equal(CommandRunner.BadInput, await RunAsync($"fit --resume --out {In("kept")} --ties mean --epochs 2"));
        Assert.Contains("the ranking cannot change within a run: it is full ranking, seen items kept, ties pessimistic", Error.ToString(), StringComparison.Ordinal);

        (double Validation, double Test, double Coverage) Scores(string run)
        {
            using var metrics = JsonDocument.Parse(File.ReadAllText(In($"{run}/metrics.json")));
            var validation = double.Parse(File.ReadLines(In($"{run}/metrics.csv")).Last().Split(',')[2], CultureInfo.InvariantCulture);
            return (validation, metrics.RootElement.GetProperty("test/HR@3").GetDouble(), metrics.RootElement.GetProperty("test/coverage@10").GetDouble());
        }
    }

    [Fact]
    public async Task Export_RunThatWasStopped_IsPublishedAndSaidToBe()
    {
        WriteCycle();
        Assert.Equal(0, await RunAsync($"fit --data {In("log.txt")} --out {In("run")} {Quick} --epochs 1"));
        Assert.Equal(0, await RunAsync($"export --run {In("run")} --repository {In("models")} --name cycle"));
        Assert.DoesNotContain("has not ended", Error.ToString(), StringComparison.Ordinal);

        RunFolder.Open(In("run")).CutMetrics(firstUnfinished: 2);
        Assert.Equal(0, await RunAsync($"export --run {In("run")} --repository {In("models")} --name cycle"));
        Assert.Contains($"recotrain: the training has not ended: these are its best weights so far, without test metrics; recotrain fit --resume --out {In("run")} goes on", Error.ToString(), StringComparison.Ordinal);
        Assert.Empty(ModelPackage.Open(In("models/cycle/2")).Manifest.Metrics);
    }

    [Theory]
    [InlineData("abc", "recotrain: --version: \"abc\" is not a whole number")]
    [InlineData("0", "recotrain: --version must be 1 or more")]
    public async Task Export_VersionThatIsNone_IsRefused(string version, string message)
    {
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"export --run {In("run")} --name x --version {version}"));
        Assert.Equal(message, Error.ToString().TrimEnd());
    }

    [Fact]
    public async Task Export_NameThatIsAPath_IsRefused()
    {
        Assert.Equal(CommandRunner.BadInput, await RunAsync($"export --run {In("run")} --name ../x"));
        Assert.Contains("a name is letters, digits", Error.ToString(), StringComparison.Ordinal);
    }

    private const string Quick = "--dimension 16 --batch-size 16 --learning-rate 0.02 --dropout 0.1 --threads 1";

    private static string[] Columns(string csv) => [.. File.ReadLines(csv).Select(line => string.Join(',', line.Split(',')[..4]))];

    private void WriteCycle(int events = 20) => File.WriteAllLines(
        In("log.txt"), Enumerable.Range(0, 60).SelectMany(u => Enumerable.Range(0, events).Select(t => $"u{u} {((u + t) % 30) + 1}")));
}
