using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Models;

[Collection(Torch.Collection)]
public sealed class NextWatchNetworkTests
{
    private static readonly Question Short = new(0, new[] { 3, 1, 4 }, new ushort[] { 0, 0 });
    private static readonly Question Long = new(0, new[] { 1, 5, 2, 6, 3, 7, 4, 8 }, new ushort[] { 0, 0 });

    [Theory]
    [InlineData("Multiply")]
    [InlineData("Add")]
    public void Score_UnknownContext_IsBitForBitTheContextFreeNetwork(string fusion)
    {
        using var with = Network([2, 3], s => s with { Fusion = Enum.Parse<ContextFusion>(fusion) });
        using var without = Network([]);
        using (no_grad())
        {
            for (var f = 0; f < 2; f++)
                with.ContextMatrix(f).narrow(0, 1, 2).normal_();
        }

        Assert.Equal(Scores(without, Short), Scores(with, Short));
        Assert.NotEqual(Scores(without, Short), Scores(with, Short with { Context = new ushort[] { 0, 1 } }));
    }

    /// <summary>Vectors of contexts start at zero: a network begins as if it knew of none.</summary>
    [Theory]
    [InlineData("Multiply")]
    [InlineData("Add")]
    public void Score_KnownContextBeforeLearning_IsBitForBitTheContextFreeNetwork(string fusion)
    {
        using var with = Network([2, 3], s => s with { Fusion = Enum.Parse<ContextFusion>(fusion) });
        using var without = Network([]);
        Assert.Equal(Scores(without, Short), Scores(with, Short with { Context = new ushort[] { 1, 3 } }));
    }

    [Theory]
    [InlineData("Gru")]
    [InlineData("Sasrec")]
    public void Score_GapsUnknownOrOfNoWeight_AreBitForBitTheNetworkWithout(string kind)
    {
        NetworkShape Of(NetworkShape shape, bool gaps) => shape with { Kind = Enum.Parse<NetworkKind>(kind), MaxHistory = 100, TimeGaps = gaps };
        using var with = Network([], s => Of(s, true));
        using var without = Network([], s => Of(s, false));
        var timed = Short with { Times = new long[] { 0, 5_000, 90_000 } };
        Assert.Equal(Scores(without, Short), Scores(with, timed));
        using (no_grad())
            with.GapMatrix!.narrow(0, 1, 31).normal_();
        Assert.Equal(Scores(without, Short), Scores(with, Short));
        Assert.NotEqual(Scores(without, Short), Scores(with, timed));
        Assert.Equal(Scores(with, timed), Scores(with, timed with { Times = new long[] { 7_000, 12_000, 97_000 } }));
    }

    [Theory]
    [InlineData("Gru")]
    [InlineData("Sasrec")]
    public void Score_ContextsOfWatchesUnknownOrOfNoWeight_AreBitForBitTheNetworkWithout(string kind)
    {
        NetworkShape Of(NetworkShape shape, bool contexts) => shape with { Kind = Enum.Parse<NetworkKind>(kind), MaxHistory = 100, HistoryContext = contexts };
        using var with = Network([2, 3], s => Of(s, true));
        using var without = Network([2, 3], s => Of(s, false));
        var watched = Short with { HistoryContext = [new ushort[] { 0, 1, 2 }, new ushort[] { 3, 0, 0 }] };
        Assert.Equal(Scores(without, Short), Scores(with, watched));
        using (no_grad())
        {
            for (var f = 0; f < 2; f++)
                with.HistoryContextMatrix(f).narrow(0, 1, 2).normal_();
        }

        Assert.Equal(Scores(without, Short), Scores(with, Short));
        Assert.NotEqual(Scores(without, Short), Scores(with, watched));
    }

    [Fact]
    public void Score_RowsOfDifferentLength_DoNotTouchEachOther()
    {
        using var network = Network([2, 3]);
        var scores = new double[3 * 10];
        new NetworkScorer(network, 100).Score([Short, Long, default(Question) with { Context = Short.Context }], scores);
        Close(Scores(network, Short), scores[..10]);
        Close(Scores(network, Long), scores[10..20]);
        Close(Scores(network, new Question(0, default, Short.Context)), scores[20..]);
    }

    [Fact]
    public void Score_HistoryLongerThanTheModelReads_UsesTheNewest()
    {
        using var network = Network([]);
        Assert.Equal(Scores(network, Long with { History = Long.History[3..] }, 5), Scores(network, Long, 5));
        Assert.NotEqual(Scores(network, Long, 6), Scores(network, Long, 5));
    }

    [Fact]
    public void Score_StartMarker_IsNeverRecommended()
    {
        using var network = Network([]);
        Assert.Equal(double.NegativeInfinity, Scores(network, Short)[0]);
        Assert.All(Scores(network, Short)[1..], s => Assert.True(double.IsFinite(s)));
    }

    [Fact]
    public void SetPopularity_Counts_GivesLogShares()
    {
        using var network = Network([]);
        network.SetPopularity([99.0, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
        var bias = NetworkScorer.Floats(network.ItemBias);
        Assert.Equal(float.NegativeInfinity, bias[0]);
        Assert.Equal(Math.Log(4.0 / 12), bias[1], 1e-6);
        Assert.Equal(Math.Log(1.0 / 12), bias[9], 1e-6);
    }

    [Fact]
    public void AddRewards_IsTheLogarithmOfAnItemsMeanReward()
    {
        using var network = Network([]);
        network.AddRewards([99, 3, 7, 2, 0, 0, 0, 0, 0, 0], [99, 24, 7, 0, 0, 0, 0, 0, 0, 0]);
        var bias = NetworkScorer.Floats(network.ItemBias);
        Assert.Equal(float.NegativeInfinity, bias[0]);
        Assert.Equal(Math.Log(8), bias[1], 0.01);
        Assert.Equal(0, bias[2], 0.01);
        Assert.InRange(bias[3], -10, -2);
        Assert.Equal(Math.Log(31.0 / 12), bias[4], 1e-5);
    }

    [Fact]
    public void SetPopularity_WithoutBias_LeavesZeros()
    {
        using var network = Network([], s => s with { ItemBias = false });
        network.SetPopularity([99.0, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
        Assert.Equal([float.NegativeInfinity, .. new float[9]], NetworkScorer.Floats(network.ItemBias).ToArray());
    }

    /// <summary>Published numbers of the GRU depend on every bit of this: the order of the draws, the cell, the marker.</summary>
    [Fact]
    public void Read_Gru_IsBitForBitTorchsOwn()
    {
        using var scope = NewDisposeScope();
        manual_seed(1).Dispose();
        var items = nn.Embedding(10, 8, padding_idx: 0);
        using (no_grad())
        {
            items.weight!.normal_(0, 0.05);
            items.weight![0].zero_();
        }

        var gru = nn.GRU(8, 8, 1, batchFirst: true);
        using var network = Network([]);
        network.eval();
        long[] history = [0, 3, 1, 4];
        var (expected, _) = gru.call(items.call(tensor(history, 1, 4)), zeros(1, 1, 8));
        Assert.Equal(expected.data<float>().ToArray(), network.Read(tensor(history, 1, 4)).data<float>().ToArray());
    }

    private static NextWatchNetwork Network(int[] contexts, Func<NetworkShape, NetworkShape>? with = null)
    {
        using var _ = manual_seed(1);
        var shape = new NetworkShape(9, 8, 1, contexts);
        return new NextWatchNetwork(with is null ? shape : with(shape), 0.5);
    }

    private static double[] Scores(NextWatchNetwork network, Question question, int maxHistory = 100)
    {
        var scores = new double[network.Shape.ItemCount + 1];
        new NetworkScorer(network, maxHistory).Score([question], scores);
        return scores;
    }

    private static void Close(double[] expected, double[] actual) =>
        Assert.All(Enumerable.Range(1, expected.Length - 1), i => Assert.Equal(expected[i], actual[i], 1e-6));
}
