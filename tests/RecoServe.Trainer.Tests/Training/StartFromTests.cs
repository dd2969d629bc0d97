using RecoServe.Trainer.Data;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Tests.Training;

/// <summary>What <c>fit --start-from</c> does to the weights of the other run.</summary>
[Collection(Torch.Collection)]
public sealed class StartFromTests : IDisposable
{
    private const double LogOfFour = 1.3863;

    private static readonly FeedbackOptions Reward = new() { Reward = "4" };

    private readonly string _folder = Directory.CreateTempSubdirectory("start").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("", "0", true, LogOfFour)]
    [InlineData("", "0", false, 0)]
    [InlineData("2", "0", true, 0)]
    [InlineData("", "3600", true, 0)]
    public void Start_Rewards_AreAddedIfThisRunAloneHasThem(string firstReward, string firstHorizon, bool hasReward, double added)
    {
        using var log = TinyLogs.WithFeedback(TinyLogs.Cycle(), (_, _) => 4);
        var biases = Start(log, firstReward, firstHorizon, hasReward ? Reward : new FeedbackOptions());
        Assert.All(biases, bias => Assert.Equal(added, bias, 0.01));
    }

    [Fact]
    public void Start_RewardHorizonAlone_IsAReward()
    {
        using var log = TinyLogs.WithFeedback(TinyLogs.Cycle(), (_, _) => 4);
        Assert.All(Start(log, "", "0", new FeedbackOptions { HorizonSeconds = 3600 }), bias => Assert.Equal(LogOfFour, bias, 0.01));
    }

    /// <summary>Item 1 was shown twice and watched once, item 2 shown in vain, and item 3 never: all are watched again and again without having been shown.</summary>
    [Fact]
    public void Start_Impressions_AddTheMeanOverWatchedDisplays()
    {
        using var log = TinyLogs.Cycle(users: 1, items: 4, length: 20).With(new FeedbackLog([0, 4], [1, 2, 3, 4], [1, 1, 2, 4], [4, 0, 0, 16], null, null, []));
        var biases = Start(log, "", "0", Reward with { Impressions = ["shown.csv"] });
        Assert.Equal(4, Math.Exp(biases[0]), 0.1);
        Assert.Equal(10, Math.Exp(biases[1]), 0.1);
        Assert.Equal(10, Math.Exp(biases[2]), 0.1);
        Assert.Equal(16, Math.Exp(biases[3]), 0.1);
    }

    private float[] Start(WatchLog log, string firstReward, string firstHorizon, FeedbackOptions feedback)
    {
        var data = new Dictionary<string, string> { [RunSettings.RewardKey] = firstReward, [RunSettings.HorizonKey] = firstHorizon };
        var run = RunFolder.Create(_folder, log, new FitOptions { Dimension = 4 }, data);
        using var first = new NextWatchNetwork(run.Settings.ShapeFor(log.Catalogue), 0);
        run.Checkpoint.SaveBest(first, new FitState());
        using var network = new NextWatchNetwork(run.Settings.ShapeFor(log.Catalogue), 0);
        run.Start(network, new TrainingSet(log, TinyLogs.AllButLast(log), 20), feedback);
        return [.. NetworkScorer.Floats(network.ItemBias).ToArray().Skip(1)];
    }
}
