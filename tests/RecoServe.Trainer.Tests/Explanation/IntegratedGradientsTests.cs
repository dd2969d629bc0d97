using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Explanation;
using RecoServe.Trainer.Models;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Explanation;

[Collection(Torch.Collection)]
public sealed class IntegratedGradientsTests
{
    private const int Items = 40, MaxHistory = 12, Fields = 2;

    /// <summary>The last field's value is unknown.</summary>
    private static readonly Question Asked = new(
        0,
        new[] { 3, 31, 4, 15, 9, 26, 5 },
        new ushort[] { 2, 0 },
        new[] { 0L, 5_000, 65_000, 70_000, 90_000_000, 90_001_000, 90_500_000 },
        [new ushort[] { 1, 2, 0, 1, 1, 2, 0 }, new ushort[] { 0, 3, 3, 1, 0, 2, 1 }]);

    /// <summary>The goal, of every encoder and with all that it may read: 1 % at 256 points; 5 % at 50, or of a nat where the difference is less.</summary>
    [Theory]
    [MemberData(nameof(Models.EncoderTests.Kinds), MemberType = typeof(Models.EncoderTests))]
    public void Of_AnyNetwork_IsComplete(string kind)
    {
        foreach (var fusion in Enum.GetValues<ContextFusion>())
        {
            using var network = Network(kind, fusion);
            for (var item = 1; item <= Items; item += 3)
            {
                Assert.InRange(Of(network, Asked, item, steps: 256).CompletenessError, 0, 0.01);
                var coarse = Of(network, Asked, item, steps: 50);
                Assert.InRange(coarse.CompletenessError, 0, 0.05 / Math.Min(1, Math.Abs(coarse.Score - coarse.Baseline)));
            }
        }
    }

    /// <summary>From the definition, by differences in place of gradients and another rule for the integral.</summary>
    [Theory]
    [InlineData("Gru", "Multiply")]
    [InlineData("Sasrec", "Add")]
    public void Of_EachWatchAndValue_IsTheIntegralAlongThePath(string kind, string fusion)
    {
        const int Points = 2000, Item = 17;
        const float Step = 0.005f;
        using var network = Network(kind, Enum.Parse<ContextFusion>(fusion));
        var explained = Of(network, Asked, Item, steps: 256);
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var parts = Asked.History.Length + Fields;
        for (var k = 0; k < parts; k++)
        {
            float[][] Shares(float step) => [.. Enumerable.Range(0, Points).Select(p => Enumerable.Range(0, parts).Select(i => ((p + 0.5f) / Points) + (i == k ? step : 0)).ToArray())];
            var (above, below) = (LogProbabilities(network, Item, Shares(Step)), LogProbabilities(network, Item, Shares(-Step)));
            var expected = above.Zip(below, (a, b) => (a - b) / (2 * Step)).Average();
            Assert.Equal(expected, k < Asked.History.Length ? explained.Watches[k] : explained.Context[k - Asked.History.Length], Math.Max(3e-3, 0.02 * Math.Abs(expected)));
        }

        Assert.True(explained.Watches.Count(w => Math.Abs(w) > 0.02) >= 3);
        Assert.True(Math.Abs(explained.Context[0]) > 0.02);
    }

    [Fact]
    public void Of_ScoreAndBaseline_AreLogProbabilitiesOfWhatTheHistoryDoesNotHold()
    {
        using var network = Network("Gru", ContextFusion.Multiply);
        var logits = new double[Items + 1];
        new NetworkScorer(network, MaxHistory).Score([Asked], logits);
        foreach (var item in (int[])[17, 4])
        {
            var open = Enumerable.Range(1, Items).Where(i => i == item || !Asked.History.ToArray().Contains(i));
            Assert.Equal(logits[item] - Math.Log(open.Sum(i => Math.Exp(logits[i]))), Of(network, Asked, item, steps: 2).Score, 1e-5);
        }

        var blank = Asked with { History = new int[Asked.History.Length], Context = new ushort[Fields], Times = default, HistoryContext = [new ushort[7], new ushort[7]] };
        new NetworkScorer(network, MaxHistory).Score([blank], logits);
        var unwatched = Enumerable.Range(1, Items).Where(i => !Asked.History.ToArray().Contains(i));
        Assert.Equal(logits[17] - Math.Log(unwatched.Sum(i => Math.Exp(logits[i]))), Of(network, Asked, 17, steps: 2).Baseline, 1e-5);
    }

    [Fact]
    public void Of_UnknownValue_AddsNothing()
    {
        using var network = Network("Gru", ContextFusion.Multiply);
        Assert.Equal(0, Of(network, Asked, 17, steps: 20).Context[1]);
    }

    /// <summary>Only what is read is explained; all of the history is out of the softmax.</summary>
    [Fact]
    public void Of_LongerHistoryThanIsRead_ExplainsTheNewest()
    {
        using var network = Network("Gru", ContextFusion.Multiply);
        var longer = Asked with { History = Enumerable.Range(1, MaxHistory + 5).ToArray(), Times = default, HistoryContext = null };
        var explained = Of(network, longer, 30, steps: 50);
        Assert.Equal(MaxHistory, explained.Watches.Length);
        Assert.InRange(explained.CompletenessError, 0, 0.05);
    }

    /// <summary>So many items that the points of the path are computed in parts.</summary>
    [Fact]
    public void Of_AMillionItems_IsComplete()
    {
        using var network = new NextWatchNetwork(new NetworkShape(1_000_000, 2, 1, []), dropout: 0);
        using (no_grad())
            network.ItemMatrix[1..10].normal_(0, 2);
        Assert.InRange(Of(network, new(0, new[] { 1, 2, 3 }, default), item: 7, steps: 6).CompletenessError, 0, 0.05);
    }

    private static IntegratedGradients Of(NextWatchNetwork network, Question question, int item, int steps) =>
        IntegratedGradients.Of(network, MaxHistory, question, item, steps);

    /// <summary>ln p of an item for each row of shares, by which the vectors of watches and context values are multiplied.</summary>
    private static float[] LogProbabilities(NextWatchNetwork network, int item, float[][] shares)
    {
        var batch = new HistoryBatch([Asked], MaxHistory, Fields, withGaps: true, withContexts: true);
        var vectors = network.Embed(tensor(batch.Items, 1, batch.Length), tensor(batch.Gaps, 1, batch.Length), tensor(batch.HistoryContext, 1, batch.Length, Fields));
        var values = stack([network.ContextMatrix(0)[2], network.ContextMatrix(1)[0]]);
        var (watches, fields) = (tensor(shares.SelectMany(row => row[..^Fields].Prepend(1)).ToArray(), shares.Length, batch.Length, 1), tensor(shares.SelectMany(row => row[^Fields..]).ToArray(), shares.Length, Fields));
        var states = network.Encode(vectors * watches).select(1, batch.Length - 1);
        var logits = network.Score(network.FuseWith(states, fields.mm(values)));
        var open = Enumerable.Range(1, Items).Where(i => !Asked.History.ToArray().Contains(i)).Select(i => (long)i).ToArray();
        return [.. (logits.select(1, item) - logits.index_select(1, tensor(open)).logsumexp(1)).data<float>()];
    }

    private static NextWatchNetwork Network(string kind, ContextFusion fusion)
    {
        var (network, memory) = Models.EncoderTests.Parse(kind);
        manual_seed(4);
        var result = new NextWatchNetwork(
            new NetworkShape(Items, 8, 2, [2, 3]) { Kind = network, Memory = memory, MaxHistory = MaxHistory, TimeGaps = true, HistoryContext = true, ScaleInput = network != NetworkKind.Gru, Fusion = fusion },
            dropout: 0.5);
        using var guard = no_grad();
        for (var f = 0; f < Fields; f++)
        {
            result.ContextMatrix(f)[1..].normal_(0, 0.5);
            result.HistoryContextMatrix(f)[1..].normal_(0, 0.3);
        }

        result.GapMatrix![1..].normal_(0, 0.3);
        result.ItemMatrix[1..].normal_(0, 0.6);
        return result;
    }
}
