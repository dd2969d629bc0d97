using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Export;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Tests.Training;
using RecoServe.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Export;

[Collection(Torch.Collection)]
public sealed class PackageDraftTests : IDisposable
{
    /// <summary>More than the top 100 that is compared.</summary>
    private const int Items = 150;

    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly string _repository = Directory.CreateTempSubdirectory("models").FullName;

    public void Dispose() => Directory.Delete(_repository, recursive: true);

    [Theory]
    [InlineData(1, false)]
    [InlineData(1, true)]
    [InlineData(3, true)]
    public void Publish_TrainedNetwork_ComputesTheSameInOnnxRuntime(int layers, bool context)
    {
        using var run = Trained(context ? TinyLogs.Contextual(users: 64, Items) : TinyLogs.Cycle(items: Items), layers);
        var (directory, parity) = PackageDraft.Publish(run.Run, _repository, "tiny", null, Now, TestContext.Current.CancellationToken);
        Assert.Equal(Path.Combine(_repository, "tiny", "1"), directory);
        Assert.InRange(parity.Histories, 500, int.MaxValue);
        Assert.InRange(parity.LargestDelta, 1e-12, ParityCheck.Tolerance);
        Assert.Equal(1, parity.SameTop);

        var manifest = ModelPackage.Open(directory).Manifest;
        Assert.Equal(("gru", 16, 32, Now), (manifest.Network, manifest.Dimension, manifest.MaxHistory, manifest.CreatedAt));
        Assert.Equal(context ? ["device", "country"] : [], manifest.ContextFields.Select(f => f.Key));
        Assert.Equal("tiny", manifest.Settings["data/data"]);
        Assert.Equal(layers.ToString(System.Globalization.CultureInfo.InvariantCulture), manifest.Settings["fit/layers"]);
        Assert.Equal(0.5, manifest.Metrics["test/HR@10"]);
        Assert.EndsWith("/2", PackageDraft.Publish(run.Run, _repository, "tiny", null, Now, TestContext.Current.CancellationToken).Directory, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Gru", false)]
    [InlineData("Gru", true)]
    [InlineData("Sasrec", false)]
    [InlineData("Sasrec", true)]
    [InlineData("Ligr", false)]
    [InlineData("Ligr", true)]
    public void Publish_AnyNetworkAndSwitches_ComputesTheSameInOnnxRuntime(string network, bool switched)
    {
        var options = TrainingRunFixture.QuickFor(network, switched) with { MaxEpochs = 2, MaxHistory = 11 };
        using var run = new TrainingRunFixture(TinyLogs.Contextual(users: 64, Items), options);
        run.Fit();
        var (directory, parity) = PackageDraft.Publish(run.Run, _repository, "tiny", null, Now, TestContext.Current.CancellationToken);
        Assert.InRange(parity.LargestDelta, 1e-12, ParityCheck.Tolerance);
        Assert.Equal(1, parity.SameTop);
        Assert.Equal(network.ToLowerInvariant(), ModelPackage.Open(directory).Manifest.Network);
    }

    [Theory]
    [InlineData("Sasrec", 3)]
    [InlineData("Sasrec", 30)]
    [InlineData("Ligr", 1)]
    [InlineData("Ligr", 4)]
    public void Publish_Memory_ComputesTheSameInOnnxRuntime(string network, int memory)
    {
        var fit = TrainingRunFixture.QuickFor(network, true) with { MaxEpochs = 2, MaxHistory = 11, Memory = memory };
        using var run = new TrainingRunFixture(TinyLogs.Contextual(users: 64, Items), fit);
        run.Fit();
        var (directory, parity) = PackageDraft.Publish(run.Run, _repository, "tiny", null, Now, TestContext.Current.CancellationToken);
        Assert.InRange(parity.LargestDelta, 1e-12, ParityCheck.Tolerance);
        Assert.Equal(1, parity.SameTop);
        Assert.Equal($"{memory}", ModelPackage.Open(directory).Manifest.Settings["fit/memory"]);
    }

    [Theory]
    [InlineData("Gru", false)]
    [InlineData("Sasrec", true)]
    [InlineData("Ligr", false)]
    public void Publish_TimeGaps_ComputesTheSameInOnnxRuntime(string network, bool switched)
    {
        var fit = TrainingRunFixture.QuickFor(network, switched) with { MaxEpochs = 2, MaxHistory = 11, TimeGaps = true };
        var package = PublishedReads(TinyLogs.Timed(users: 64, Items), fit, question => question with { Times = default });
        Assert.True(package.Manifest.TimeGaps);
        Assert.Contains(package.Probe.Cases, c => c.WatchedAt?.Count > 3);
    }

    [Theory]
    [InlineData("Gru", false)]
    [InlineData("Sasrec", true)]
    [InlineData("Ligr", false)]
    public void Publish_HistoryContext_ComputesTheSameInOnnxRuntime(string network, bool switched)
    {
        var fit = TrainingRunFixture.QuickFor(network, switched) with { MaxEpochs = 2, MaxHistory = 11, HistoryContext = true };
        var package = PublishedReads(TinyLogs.Contextual(users: 64, Items), fit, question => question with { HistoryContext = null });
        Assert.True(package.Manifest.HistoryContext);
        Assert.Contains(package.Probe.Cases, c => c.HistoryContext?.Any(watch => watch.Count == 2) == true);
    }

    /// <summary>All that is read of a watch at once, by an encoder whose width is another than the items' and which scales them.</summary>
    [Theory]
    [InlineData("Gru")]
    [InlineData("Sasrec 3")]
    [InlineData("Ligr 4")]
    public void Publish_TimeGapsAndHistoryContext_ComputesTheSameInOnnxRuntime(string network)
    {
        var fit = TrainingRunFixture.QuickFor(network, switched: true) with { MaxEpochs = 2, MaxHistory = 11, TimeGaps = true, HistoryContext = true };
        var package = PublishedReads(TinyLogs.Watched(users: 64, Items, hasTimes: true), fit, question => question with { Times = default, HistoryContext = null });
        Assert.True(package.Manifest is { TimeGaps: true, HistoryContext: true });
    }

    [Theory]
    [InlineData(PackageFiles.ItemMatrix)]
    [InlineData(PackageFiles.ItemBias)]
    [InlineData(PackageFiles.Encoder)]
    public void Publish_WeightChangedAfterExport_IsRefusedAndLeavesNothing(string file)
    {
        using var run = Trained(TinyLogs.Contextual(), layers: 1);
        using var draft = new PackageDraft(run.Run);
        var e = Assert.Throws<PackageException>(() => PackageWriter.Publish(
            _repository, draft.Manifest("tiny", Now), null, directory => WriteAndDamage(draft, directory, file), draft.Verify));
        Assert.Matches("does not compute what was trained: history [0-9]+ of the sample gives item \"video-[0-9]+\"", e.Message);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_repository, "tiny")));
    }

    /// <summary>All items have a logit of their own, whatever the history. Between libtorch and the package the 100th and the next change places.</summary>
    [Theory]
    [InlineData(1.5e-4, true)]
    [InlineData(0.8e-4, false)]
    public void Publish_ItemsChangePlacesWithinTheTolerance_IsRefusedUnlessTheyAreNearlyTied(double lead, bool isRefused)
    {
        using var run = Trained(TinyLogs.Cycle(items: Items), layers: 1);
        using var draft = new PackageDraft(run.Run);
        using (no_grad())
            draft.Network.ItemMatrix.zero_();
        string Publish() => PackageWriter.Publish(_repository, draft.Manifest("tiny", Now), null, directory => WriteAndSwap(draft, directory, lead), draft.Verify);
        if (isRefused)
        {
            var e = Assert.Throws<PackageException>(Publish);
            Assert.Matches("does not rank as what was trained: ([0-9]+) of \\1 histories, the first of them history 1 of the sample, have other items in the top 100", e.Message);
            Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_repository, "tiny")));
        }
        else
        {
            Publish();
            Assert.Equal(1, draft.Parity!.SameTop);
        }
    }

    [Fact]
    public void Publish_LogWithFewHistories_IsCheckedOnThose()
    {
        using var run = Trained(TinyLogs.Cycle(users: 1, items: 2, length: 2), layers: 1);
        var (directory, parity) = PackageDraft.Publish(run.Run, _repository, "tiny", null, Now, TestContext.Current.CancellationToken);
        Assert.Equal(3, parity.Histories);
        Assert.Equal(3, ModelPackage.Open(directory).Probe.Cases.Count);
    }

    [Fact]
    public void Publish_Probe_RecordsWhatTheNetworkAnswers()
    {
        var log = TinyLogs.Contextual();
        using var run = Trained(log, layers: 1);
        var package = ModelPackage.Open(PackageDraft.Publish(run.Run, _repository, "tiny", 7, Now, TestContext.Current.CancellationToken).Directory);
        Assert.Equal(8, package.Probe.Cases.Count);
        Assert.Equal([0, 1], package.Probe.Cases.Take(2).Select(c => c.History.Count));
        Assert.True(package.Probe.Cases[2].History.Count > package.Manifest.MaxHistory);
        Assert.Empty(package.Probe.Cases[2].Context);
        Assert.Contains(package.Probe.Cases, c => c.Context.ContainsKey("device"));

        using var network = new NextWatchNetwork(run.Run.Settings.ShapeFor(log.Catalogue), 0);
        run.Run.Checkpoint.RestoreBest(network);
        foreach (var probe in package.Probe.Cases)
        {
            var scores = new double[log.Catalogue.Count + 1];
            new NetworkScorer(network, package.Manifest.MaxHistory).Score([QuestionOf(log, probe)], scores);
            Assert.Equal(scores.Skip(1).Max(), probe.Answers[0].Logit, 1e-6);
            Assert.All(probe.Answers, a => Assert.Equal(scores[IndexOf(log, a.ItemId)], a.Logit, 1e-6));
            Assert.Equal(Math.Log(scores.Skip(1).Sum(Math.Exp)), probe.LogSumExp, 1e-6);
        }
    }

    [Fact]
    public void Publish_RunWithoutValidatedWeights_SaysWhatToDo()
    {
        using var run = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick);
        var e = Assert.Throws<PackageException>(() => PackageDraft.Publish(run.Run, _repository, "tiny", null, Now, TestContext.Current.CancellationToken));
        Assert.Contains("no validated weights yet", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Trains and publishes; what is served of the package is what was trained, and what <paramref name="forget"/> takes away is read.</summary>
    private ModelPackage PublishedReads(WatchLog log, FitOptions fit, Func<Question, Question> forget)
    {
        using var run = new TrainingRunFixture(log, fit);
        run.Fit();
        var (directory, parity) = PackageDraft.Publish(run.Run, _repository, "tiny", null, Now, TestContext.Current.CancellationToken);
        Assert.InRange(parity.LargestDelta, 1e-12, ParityCheck.Tolerance);

        using var scorer = new PackageScorer(directory, log);
        using var trained = new NextWatchNetwork(run.Run.Settings.ShapeFor(log.Catalogue), 0);
        run.Run.Checkpoint.RestoreBest(trained);
        var (served, expected) = (new double[log.Catalogue.Count + 1], new double[log.Catalogue.Count + 1]);
        var question = TinyLogs.LastQuestion(log, 3);
        scorer.Score([question], served);
        new NetworkScorer(trained, fit.MaxHistory).Score([question], expected);
        Assert.Equal(expected[1..], served[1..], (a, b) => Math.Abs(a - b) < 1e-4);
        scorer.Score([forget(question)], served);
        Assert.NotEqual(expected[1..], served[1..], (a, b) => Math.Abs(a - b) < 1e-4);
        return ModelPackage.Open(directory);
    }

    private static TrainingRunFixture Trained(WatchLog log, int layers)
    {
        var run = new TrainingRunFixture(log, TrainingRunFixture.Quick with { Layers = layers, MaxEpochs = 2 });
        run.Fit();
        run.Run.WriteMetrics(new Dictionary<string, double> { ["test/HR@10"] = 0.5 });
        return run;
    }

    /// <summary>Flips a high bit of the last but third number: a weight of a known item, bias or context value.</summary>
    private static void WriteAndDamage(PackageDraft draft, string directory, string file)
    {
        draft.WriteFiles(directory);
        if (file == PackageFiles.Encoder)
        {
            using var more = 0.01.ToScalar();
            using (no_grad())
                ((GruEncoder)draft.Network.Encoder).Weight("weight_hh_l0").narrow(0, 3, 1).Increase(more);
            return;
        }

        var path = Path.Combine(directory, file);
        var bytes = File.ReadAllBytes(path);
        bytes[^6] ^= 0x40;
        File.WriteAllBytes(path, bytes);
    }

    /// <summary>Item 100 leads item 101 in libtorch, and in the files trails it: each of them is there 9e-5 from where it was.</summary>
    private static void WriteAndSwap(PackageDraft draft, string directory, double lead)
    {
        const double Change = 9e-5;
        SetBiases(-Change, Change - lead);
        draft.WriteFiles(directory);
        SetBiases(0, -lead);

        void SetBiases(double of100, double of101)
        {
            float[] biases = [float.NegativeInfinity, .. Enumerable.Range(1, Items).Select(i => i switch { 100 => (float)of100, 101 => (float)of101, _ => 0.01f * (100 - i) })];
            using var values = tensor(biases);
            using (no_grad())
                draft.Network.ItemBias.copy_(values);
        }
    }

    private static Question QuestionOf(WatchLog log, ProbeCase probe) => new(
        0,
        probe.History.Select(id => IndexOf(log, id)).ToArray(),
        log.ContextFields.Select(f => (ushort)(probe.Context.TryGetValue(f.Key, out var value) ? f.Values.ToList().IndexOf(value) + 1 : 0)).ToArray());

    private static int IndexOf(WatchLog log, string id) => log.Catalogue.TryGetIndex(id, out var index) ? index : -1;
}
