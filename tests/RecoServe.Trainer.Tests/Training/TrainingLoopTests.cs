using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Objectives;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Tests.Training;

[Collection(Torch.Collection)]
public sealed class TrainingLoopTests
{
    private static FitOptions Brief => TrainingRunFixture.Quick with { MaxEpochs = 4, Dropout = 0.3 };

    [Fact]
    public void Run_Cycle_IsLearned()
    {
        using var run = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick);
        var result = run.Fit();
        Assert.Equal(StopReason.MaxEpochs, result.Reason);
        Assert.InRange(result.Validation.HitRate, 0.95, 1);
        Assert.Equal(result.Validation.HitRate, run.BestHitRate());
        Assert.True(run.Epochs[^1].Loss < run.Epochs[0].Loss / 2);
    }

    [Fact]
    public void Run_ContextDecidesTheNextItem_IsUsed()
    {
        using var run = new TrainingRunFixture(TinyLogs.Contextual(), TrainingRunFixture.Quick with { MaxEpochs = 40 });
        Assert.InRange(run.Fit().Validation.HitRate, 0.9, 1);

        // Without the context the best possible is a coin toss.
        Assert.InRange(run.BestHitRate(withContext: false), 0, 0.7);
    }

    [Fact]
    public void Run_TimeGapDecidesTheNextItem_IsUsed()
    {
        var log = TinyLogs.Timed();
        using var run = new TrainingRunFixture(log, TrainingRunFixture.QuickFor("Sasrec") with { MaxEpochs = 25, TimeGaps = true });
        Assert.InRange(run.Fit().Validation.HitRate, 0.9, 1);
        Assert.InRange(run.BestHitRate(withContext: false), 0, 0.7);
    }

    [Theory]
    [InlineData("Gru")]
    [InlineData("Sasrec")]
    public void Run_ContextOfTheLastWatchDecidesTheNextItem_IsUsed(string network)
    {
        using var run = new TrainingRunFixture(TinyLogs.Watched(), TrainingRunFixture.QuickFor(network) with { MaxEpochs = 40, HistoryContext = true });
        Assert.InRange(run.Fit().Validation.HitRate, 0.9, 1);
        Assert.InRange(run.BestHitRate(withContext: false), 0, 0.7);
    }

    [Theory]
    [MemberData(nameof(Models.EncoderTests.Kinds), MemberType = typeof(Models.EncoderTests))]
    public void Run_AnyNetwork_LearnsTheCycle(string network)
    {
        using var run = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.QuickFor(network));
        Assert.InRange(run.Fit().Validation.HitRate, 0.95, 1);
    }

    [Theory]
    [InlineData("Gru", false)]
    [InlineData("Gru", true)]
    [InlineData("Sasrec", false)]
    [InlineData("Sasrec", true)]
    [InlineData("Ligr", true)]
    [InlineData("Sasrec 3", false)]
    [InlineData("Ligr 4", true)]
    public void Run_SwitchedNetworkStoppedAndResumed_IsBitForBitAnUnbrokenRun(string network, bool switched) =>
        StoppedAndResumed(TrainingRunFixture.QuickFor(network, switched) with { MaxEpochs = 4, Dropout = 0.3 });

    [Fact]
    public void Run_StoppedTwiceAndResumed_IsBitForBitAnUnbrokenRun() =>
        StoppedAndResumed(TrainingRunFixture.Quick with { MaxEpochs = 4, Dropout = 0.3, WarmupSteps = 20 });

    [Fact]
    public void Run_AveragingStoppedAndResumed_IsBitForBitAnUnbrokenRun() =>
        StoppedAndResumed(TrainingRunFixture.Quick with { MaxEpochs = 4, Dropout = 0.3, Average = 0.9 });

    [Fact]
    public void Run_AveragingAccumulationAndDecayStoppedAndResumed_IsBitForBitAnUnbrokenRun() => StoppedAndResumed(TrainingRunFixture.Quick with
    {
        MaxEpochs = 4,
        BatchSize = 8,
        Accumulate = 3,
        Average = 0.9,
        WarmupSteps = 4,
        Decay = DecayKind.Cosine,
        DecayEpochs = 4,
    });

    [Fact]
    public void Run_FeedbackWithHeadsStoppedAndResumed_IsBitForBitAnUnbrokenRun() => StoppedAndResumed(
        TrainingRunFixture.Quick with
        {
            MaxEpochs = 4,
            Objective = new ObjectiveOptions
            {
                Kind = ObjectiveKind.Ips,
                Propensity = PropensitySource.Head,
                PropensityRank = 4,
                CategoryFromState = 0.2,
                CategoryFromItem = 0.2,
            },
        },
        TinyLogs.WithFeedback(TinyLogs.Contextual(), (user, watch) => (user + watch) % 3));

    [Fact]
    public void Run_SparseAdamStoppedAndResumed_IsBitForBitAnUnbrokenRun() => StoppedAndResumed(TrainingRunFixture.Quick with
    {
        MaxEpochs = 4,
        Optimiser = OptimiserKind.SparseAdam,
        Objective = new ObjectiveOptions { Loss = LossKind.Sampled, Negatives = 3 },
    });

    [Fact]
    public void Run_GbceStoppedAndResumed_IsBitForBitAnUnbrokenRun() => StoppedAndResumed(
        Brief with { Objective = new ObjectiveOptions { Loss = LossKind.Gbce, Negatives = 3, NegativePower = 0.5 } });

    [Theory]
    [InlineData(ObjectiveKind.Reinforce, PropensitySource.Frequency)]
    [InlineData(ObjectiveKind.TopK, PropensitySource.Head)]
    public void Run_PolicyGradientStoppedAndResumed_IsBitForBitAnUnbrokenRun(object kind, object propensity) => StoppedAndResumed(
        Brief with
        {
            Objective = new ObjectiveOptions { Kind = (ObjectiveKind)kind, Propensity = (PropensitySource)propensity, PropensityRank = 4, SlateSize = 3, WeightCap = 20 },
        },
        TinyLogs.WithFeedback(TinyLogs.Contextual(users: 64), (user, watch) => (user + watch) % 3));

    [Fact]
    public void Run_ExcludingWatchedInWindowsStoppedAndResumed_IsBitForBitAnUnbrokenRun() => StoppedAndResumed(
        Brief with { MaxHistory = 7, Windows = 3, Objective = new ObjectiveOptions { ExcludeWatched = true } });

    [Fact]
    public void Run_StartedFromAnotherStoppedAndResumed_IsBitForBitAnUnbrokenRun()
    {
        var log = TinyLogs.Contextual(users: 64);
        using var first = new TrainingRunFixture(log, Brief with { MaxEpochs = 1, Seed = 2 });
        first.Fit();
        StoppedAndResumed(Brief, log, first.Run);
    }

    [Theory]
    [InlineData(DecayKind.Cosine)]
    [InlineData(DecayKind.Linear)]
    public void Run_DecayAndAccumulationStoppedAndResumed_IsBitForBitAnUnbrokenRun(object decay) => StoppedAndResumed(TrainingRunFixture.Quick with
    {
        MaxEpochs = 4,
        BatchSize = 8,
        Accumulate = 3,
        WarmupSteps = 4,
        Decay = (DecayKind)decay,
        DecayEpochs = 4,
    });

    [Fact]
    public void Run_Accumulating_LearnsEveryRowInAsManyFewerSteps()
    {
        var options = TrainingRunFixture.Quick with { MaxEpochs = 2, BatchSize = 8 };
        var (rows, steps) = Fit(options);
        var (accumulated, fewer) = Fit(options with { Accumulate = 4 });
        Assert.Equal(rows, accumulated);
        Assert.Equal(2 * (((steps / 2) + 3) / 4), fewer);

        (long Rows, long Steps) Fit(FitOptions fit)
        {
            using var run = new TrainingRunFixture(TinyLogs.Contextual(), fit);
            var last = new FitState();
            run.OnLearned = state => last = state;
            run.Fit();
            return (last.Sums.Rows, last.Steps);
        }
    }

    [Fact]
    public void Run_DecayPlannedToItsEnd_ReportsTheFallingRate()
    {
        using var run = new TrainingRunFixture(
            TinyLogs.Cycle(), TrainingRunFixture.Quick with { MaxEpochs = 4, HalveAfter = 1, Decay = DecayKind.Linear, DecayEpochs = 4 });
        run.Validate = _ => new ValidationScore(0, 0.5);
        run.Fit();
        var rates = run.Epochs.Select(e => e.LearningRate).ToArray();
        Assert.Equal(0.02 * 12 / 15, rates[0] - rates[3], 1e-9);
        Assert.Equal(0.02 * 1 / 15, rates[3], 1e-9);
    }

    [Fact]
    public void Run_TimeGapsStoppedAndResumed_IsBitForBitAnUnbrokenRun() =>
        StoppedAndResumed(TrainingRunFixture.Quick with { MaxEpochs = 4, TimeGaps = true }, TinyLogs.Timed());

    [Fact]
    public void Run_HistoryContextStoppedAndResumed_IsBitForBitAnUnbrokenRun() =>
        StoppedAndResumed(TrainingRunFixture.Quick with { MaxEpochs = 4, HistoryContext = true }, TinyLogs.Watched());

    private static void StoppedAndResumed(FitOptions options, WatchLog? log = null, RunFolder? startFrom = null)
    {
        log ??= TinyLogs.Contextual(users: 64);
        using var unbroken = new TrainingRunFixture(log, options) { StartFrom = startFrom };
        unbroken.Fit();

        using var broken = new TrainingRunFixture(log, options) { StartFrom = startFrom };
        foreach (var (epoch, step) in ((int, int)[])[(1, 3), (3, 1)])
        {
            using var stop = new CancellationTokenSource();
            broken.OnLearned = state => Cancel(stop, state.Epoch == epoch && state.EpochSteps == step);
            broken.Stop = stop.Token;
            Assert.Equal(StopReason.Interrupted, broken.Fit().Reason);
        }

        broken.Stop = TestContext.Current.CancellationToken;
        broken.OnLearned = _ => { };
        Assert.Equal(StopReason.MaxEpochs, broken.Fit().Reason);
        Assert.Equal(unbroken.Weights(best: false), broken.Weights(best: false));
        Assert.Equal(unbroken.Weights(best: true), broken.Weights(best: true));
        Assert.Equal(unbroken.Moments(), broken.Moments());
        Assert.Equal(LossColumn(unbroken), LossColumn(broken));
    }

    [Fact]
    public void Run_ResumedAfterHalving_KeepsTheRate()
    {
        var options = TrainingRunFixture.Quick with { MaxEpochs = 6, HalveAfter = 2 };
        using var unbroken = new TrainingRunFixture(TinyLogs.Cycle(), options) { Validate = _ => new ValidationScore(0, 0.5) };
        unbroken.Fit();

        using var broken = new TrainingRunFixture(TinyLogs.Cycle(), options) { Validate = _ => new ValidationScore(0, 0.5) };
        using var stop = new CancellationTokenSource();
        broken.OnLearned = state => Cancel(stop, state is { Epoch: 5, EpochSteps: 2 });
        broken.Stop = stop.Token;
        broken.Fit();
        broken.Stop = TestContext.Current.CancellationToken;
        broken.Fit();
        Assert.Equal(unbroken.Weights(best: false), broken.Weights(best: false));
    }

    [Fact]
    public void Run_KilledBetweenCheckpoints_RepeatsTheEpochBitForBit()
    {
        var options = TrainingRunFixture.Quick with { MaxEpochs = 3 };
        using var unbroken = new TrainingRunFixture(TinyLogs.Cycle(), options);
        unbroken.Fit();

        using var killed = new TrainingRunFixture(TinyLogs.Cycle(), options);
        killed.OnLearned = state => Throw(state is { Epoch: 2, EpochSteps: 2 });
        Assert.Throws<IOException>(() => killed.Fit());
        killed.OnLearned = _ => { };
        killed.Fit();
        Assert.Equal(unbroken.Weights(best: false), killed.Weights(best: false));
        Assert.Equal(LossColumn(unbroken), LossColumn(killed));
    }

    [Fact]
    public void Run_NoImprovement_StopsAndKeepsTheBest()
    {
        var scores = new Queue<double>([0.1, 0.3, 0.2, 0.25, 0.3, 0.9]);
        using var run = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick with { Patience = 3 });
        run.Validate = _ => new ValidationScore(0, scores.Dequeue());
        var result = run.Fit();
        Assert.Equal((StopReason.NoImprovement, 2), (result.Reason, result.Epoch));
        Assert.Equal([true, true, false, false, false], run.Epochs.Select(e => e.IsBest));

        using var twoEpochs = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick with { MaxEpochs = 2 });
        twoEpochs.Fit();
        Assert.Equal(twoEpochs.Weights(best: false), run.Weights(best: true));
    }

    [Fact]
    public void Run_NoImprovement_HalvesTheRateAndLearnsOnDifferently()
    {
        using var halving = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick with { MaxEpochs = 4, HalveAfter = 2 });
        using var constant = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick with { MaxEpochs = 4, HalveAfter = 100 });
        foreach (var run in (TrainingRunFixture[])[halving, constant])
        {
            run.Validate = _ => new ValidationScore(0, 0.5);
            run.Fit();
        }

        Assert.Equal(constant.Epochs.Take(3).Select(e => e.Loss), halving.Epochs.Take(3).Select(e => e.Loss));
        Assert.NotEqual(constant.Epochs[3].Loss, halving.Epochs[3].Loss);
    }

    [Fact]
    public void Run_WarmUp_BeginsWithSmallSteps()
    {
        using var warm = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick with { MaxEpochs = 4, WarmupSteps = 1000 });
        using var cold = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick with { MaxEpochs = 4 });
        warm.Fit();
        cold.Fit();
        Assert.True(warm.Epochs[3].Loss > cold.Epochs[3].Loss + 0.1, $"{warm.Epochs[3].Loss} > {cold.Epochs[3].Loss}");
        Assert.Equal([0.02 * 16 / 1000, 0.02], new[] { warm, cold }.Select(run => run.Epochs[3].LearningRate), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void Run_TimeIsUp_StopsWithAValidatedBest()
    {
        using var run = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick with { TimeBudget = 1 });
        var time = new ManualTime();
        run.OnLearned = state => time.Seconds += state is { Epoch: 1, EpochSteps: 2 } ? 61 : 0;
        var result = run.Fit(time);
        Assert.Equal(StopReason.TimeBudget, result.Reason);
        Assert.True(run.Run.Checkpoint.HasBest);
        Assert.True(run.Run.Checkpoint.CanResume);
        Assert.Empty(run.Epochs);
    }

    [Fact]
    public void Run_EvaluateEverySecondEpoch_ValidatesThoseOnly()
    {
        using var run = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick with { EvaluateEvery = 2, MaxEpochs = 4 });
        run.Fit();
        Assert.Equal([false, true, false, true], run.Epochs.Select(e => e.Validation is not null));
    }

    /// <summary>The validation of epoch 2, then that of the end.</summary>
    [Theory]
    [InlineData(3, 3, 0.1, 0.9)]
    [InlineData(3, 2, 0.5, 0.5)]
    [InlineData(1, 1, 0.2)]
    [InlineData(2, 2, 0.2)]
    public void Run_EndsBetweenValidations_TheLastWeightsCanBeTheBest(int epochs, int best, params double[] scores)
    {
        var asked = new Queue<double>(scores);
        using var run = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick with { EvaluateEvery = 2, MaxEpochs = epochs });
        run.Validate = _ => new ValidationScore(0, asked.Dequeue());
        var result = run.Fit();
        Assert.Equal((best, scores.Max()), (result.Epoch, result.Validation.Ndcg));
        Assert.Empty(asked);
        Assert.Equal(best == epochs, run.Weights(best: true).SequenceEqual(run.Weights(best: false)));
    }

    [Fact]
    public void Run_EndedBetweenValidationsAndResumed_IsBitForBitAnUnbrokenRun()
    {
        var options = TrainingRunFixture.Quick with { EvaluateEvery = 2, MaxEpochs = 4, HalveAfter = 1 };
        var scores = new Queue<double>([0.5, 0.4]);
        using var unbroken = new TrainingRunFixture(TinyLogs.Cycle(), options) { Validate = _ => new ValidationScore(0, scores.Dequeue()) };
        Assert.Equal(2, unbroken.Fit().Epoch);

        var again = new Queue<double>([0.5, 0.9, 0.4]);
        using var ended = new TrainingRunFixture(TinyLogs.Cycle(), options with { MaxEpochs = 3 }) { Validate = _ => new ValidationScore(0, again.Dequeue()) };
        Assert.Equal(3, ended.Fit().Epoch);
        ended.Options = options;
        Assert.Equal(2, ended.Fit().Epoch);
        Assert.Equal(unbroken.Weights(best: false), ended.Weights(best: false));
        Assert.Equal(unbroken.Weights(best: true), ended.Weights(best: true));
    }

    [Fact]
    public void Run_Diverging_SaysWhereAndWhatToDo()
    {
        using var run = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick with { LearningRate = 3e37 });
        var e = Assert.Throws<NotFiniteNumberException>(() => run.Fit());
        Assert.Matches("epoch 1, step [0-9]+: the loss is .*; lower --learning-rate", e.Message);
    }

    [Fact]
    public void Create_FolderWithARun_Refuses()
    {
        using var run = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick);
        var e = Assert.Throws<PackageException>(() => RunFolder.Create(run.Folder, TinyLogs.Cycle(), run.Options, new Dictionary<string, string>()));
        Assert.Contains("--resume", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_SettingsOfAnEarlierBuild_HaveTheDefaultsOfWhatItDidNotKnow()
    {
        using var run = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick);
        var path = Path.Combine(run.Folder, "options.json");
        string[] later = ["item_bias", "layers", "negatives"];
        File.WriteAllLines(path, File.ReadAllLines(path).Where(line => !later.Any(name => line.Contains($"\"{name}\"", StringComparison.Ordinal))));
        var fit = RunFolder.Open(run.Folder).Settings.Fit;
        Assert.Equal((true, 1, 16, 2048), (fit.ItemBias, fit.Layers, fit.Dimension, fit.Objective.Negatives));
        File.WriteAllText(path, "[]");
        Assert.Contains("is not valid", Assert.Throws<PackageException>(() => RunFolder.Open(run.Folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RequireSame_OtherLog_Refuses()
    {
        using var run = new TrainingRunFixture(TinyLogs.Cycle(), TrainingRunFixture.Quick);
        run.Run.RequireSame(TinyLogs.Cycle());
        var e = Assert.Throws<PackageException>(() => run.Run.RequireSame(TinyLogs.Cycle(length: 21)));
        Assert.Contains("another log", e.Message, StringComparison.Ordinal);
    }

    private static string[] LossColumn(TrainingRunFixture run) =>
        [.. File.ReadLines(Path.Combine(run.Folder, "metrics.csv")).Select(line => string.Join(',', line.Split(',')[..4]))];

    private static void Cancel(CancellationTokenSource source, bool now)
    {
        if (now)
            source.Cancel();
    }

    private static void Throw(bool now)
    {
        if (now)
            throw new IOException("as if killed");
    }

    private sealed class ManualTime : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}
