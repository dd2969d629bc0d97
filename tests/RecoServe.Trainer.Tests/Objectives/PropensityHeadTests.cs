using RecoServe.Trainer.Data;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Objectives;
using RecoServe.Trainer.Tests.Training;
using RecoServe.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Objectives;

[Collection(Torch.Collection)]
public sealed class PropensityHeadTests(ITestOutputHelper output)
{
    private const int States = 6, Slots = 2, Items = 30;

    [Fact]
    public void Learner_WithAHead_MovesThePolicyBitForBitAsWithout()
    {
        Assert.Equal(Train(PropensitySource.None, clipNorm: 0.01), Train(PropensitySource.Head, clipNorm: 0.01));
    }

    /// <summary>The guard of the detach: were the head's state not cut off, the policy would feel it.</summary>
    [Fact]
    public void Read_StateWithAGraph_WouldMoveThePolicy()
    {
        using var scope = NewDisposeScope();
        set_num_threads(1);
        var (network, batch) = (NewNetwork(), NewBatch());
        using var head = new PropensityHead(8, 4, 0, new long[31]);
        foreach (var (_, weight) in network.named_parameters())
            weight.grad = zeros_like(weight);
        Tensor States() => network.Fuse(network.Read(batch.Items()).flatten(0, 1).index_select(0, batch.Cells()), batch.Context());

        head.Accumulate(batch, States());
        Assert.All(network.parameters(), p => Assert.Equal(0, p.grad!.abs().max().item<float>()));

        var named = head.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        using var softmax = new FullSoftmax(named["items"], named["bias"], 64);
        softmax.Backward(head.Read(States(), batch.Slots()), batch.Targets());
        Assert.Contains(network.parameters(), p => p.grad!.abs().max().item<float>() > 1e-6);
    }

    /// <summary>With z = W s + c + S of the slot and β̂ = softmax(V z + b), the gradient by V z + b is (β̂ − the item shown) / rows.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(0.25)]
    public void Accumulate_IsTheClosedFormsGradient(double share)
    {
        const int Each = 4, Rows = States * Slots * Each, Rank = 3;
        using var scope = NewDisposeScope();
        manual_seed(6);
        using var head = new PropensityHead(States, Rank, Slots, [0, .. Enumerable.Range(1, Items).Select(i => (long)i)]);
        var named = head.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        using (no_grad())
            named["slots.weight"].normal_(0, 1);
        var (shown, states) = (randint(0, Items, [Rows], int64), randn(Rows, States));
        var batch = BatchOf(shown.data<long>().ToArray(), Each);
        var loss = head.Accumulate(batch, states, share);

        using Scalar one = 1.ToScalar(), scale = (share / Rows).ToScalar();
        Tensor Exact(string name) => named[name].detach().to(float64);
        var (s, v, slots) = (states.to(float64), Exact("items"), nn.functional.one_hot(batch.Slots(), Slots + 1).to(float64));
        var z = mm(s, Exact("projection.weight").t()).Plus(Exact("projection.bias")).Plus(mm(slots, Exact("slots.weight")));
        var policy = mm(z, v.t()).Plus(Exact("bias")).softmax(1);
        var item = nn.functional.one_hot(shown.Plus(one), Items + 1).to(float64);
        Assert.Equal((policy * item).sum(1).log().mean().neg().item<double>(), loss, 1e-5);
        var byLogit = (policy - item).mul(scale);
        var byZ = mm(byLogit, v);
        foreach (var (name, expected) in new[]
        {
            ("items", mm(byLogit.t(), z)),
            ("bias", byLogit.sum([0L])),
            ("projection.weight", mm(byZ.t(), s)),
            ("projection.bias", byZ.sum([0L])),
            ("slots.weight", mm(slots.t(), byZ)),
        })
        {
            LossProblem.Close(expected, named[name].grad!, 1e-6);
            Assert.True(named[name].grad!.abs().max().item<float>() > 1e-4, name);
        }
    }

    /// <summary>The mean KL(β‖β̂) over states and slots goes to 0 with the number of displays, and β̂ sums to what was shown.</summary>
    [Fact]
    public void Accumulate_DisplaysOfAKnownPolicy_LearnsIt()
    {
        set_num_threads(1);
        using var scope = NewDisposeScope();
        var truth = Policy();
        var (few, _) = Learn(truth, displays: 1500);
        var (many, calibration) = Learn(truth, displays: 24_000);
        output.WriteLine($"propensity head: mean KL(β‖β̂) {few:F4} of 1,500 displays, {many:F4} of 24,000; β̂ summed over displays is off by {calibration:F4}");
        Assert.True(many < 0.02 && many < few / 4, $"{few} with few displays, {many} with many");
        Assert.InRange(calibration, 0, 0.02);
    }

    /// <summary>ln β̂ of all items, [rows, N + 1], column 0 is −∞; without a graph.</summary>
    internal static Tensor LogDistribution(PropensityHead head, Tensor states, Tensor slots)
    {
        using var guard = no_grad();
        var named = head.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        return addmm(named["bias"], head.Read(states, slots), named["items"].t(), beta: 1, alpha: 1).log_softmax(1);
    }

    private static float[] Train(PropensitySource propensity, double clipNorm)
    {
        set_num_threads(1);
        using var scope = NewDisposeScope();
        var options = TrainingRunFixture.Quick with
        {
            Dimension = 8,
            ClipNorm = clipNorm,
            Objective = new ObjectiveOptions { Propensity = propensity, PropensityRank = 4 },
        };
        var log = TinyLogs.Cycle();
        var set = new TrainingSet(log, TinyLogs.AllButLast(log), 32);
        var network = NewNetwork();
        using var learner = new Learner(network, options, set);
        foreach (var windows in set.Epoch(1, 1, 16))
            Assert.Equal(propensity == PropensitySource.Head, learner.Learn(set.Batch(windows)).PropensityLoss > 0);
        return [.. network.parameters().SelectMany(p => NetworkScorer.Floats(p).ToArray())];
    }

    private static NextWatchNetwork NewNetwork()
    {
        manual_seed(3);
        return new NextWatchNetwork(new NetworkShape(30, 8, 1, []), 0.1);
    }

    private static Batch NewBatch()
    {
        var log = TinyLogs.Cycle(users: 4);
        var set = new TrainingSet(log, TinyLogs.AllButLast(log), 32);
        return set.Batch(set.Epoch(1, 1, 4)[0]);
    }

    /// <summary>ln β + const of state, slot and item: what a state likes plus what a slot likes.</summary>
    private static Tensor Policy()
    {
        manual_seed(11);
        return randn(States, 1, Items).Plus(randn(1, Slots, Items)).log_softmax(2);
    }

    /// <summary>The mean divergence, and the largest error of an item's number of displays as a share of all.</summary>
    private static (double Divergence, double Calibration) Learn(Tensor truth, int displays)
    {
        using var scope = NewDisposeScope();
        var shown = truth.exp().view(States * Slots, Items).multinomial(displays / (States * Slots), replacement: true);
        var batch = BatchOf(shown.data<long>().ToArray(), displays / (States * Slots));
        var oneHot = OneHot(Enumerable.Range(0, displays).Select(r => r / (displays / States)));
        using var head = new PropensityHead(States, 16, Slots, new long[Items + 1]);
        using var adam = new Adam([.. head.named_parameters()], 0.03, 100);
        for (var step = 0; step < 200; step++)
        {
            head.Accumulate(batch, oneHot);
            adam.Step();
        }

        var learned = LogDistribution(head, OneHot(Enumerable.Range(0, States * Slots).Select(s => s / Slots)), tensor(Enumerable.Range(0, States * Slots).Select(s => (long)(s % Slots) + 1).ToArray())).narrow(1, 1, Items);
        var flat = truth.view(States * Slots, Items);
        var divergence = (flat.exp() * (flat - learned)).sum([1L]).mean().item<float>();
        var expected = learned.exp().mean([0L]).data<float>().ToArray();
        var drawn = shown.data<long>().ToArray();
        return (divergence, Enumerable.Range(0, Items).Max(i => Math.Abs(expected[i] - ((double)drawn.Count(d => d == i) / drawn.Length))));
    }

    private static Tensor OneHot(IEnumerable<int> states) =>
        nn.functional.one_hot(tensor(states.Select(s => (long)s).ToArray()), States).to(float32);

    /// <summary>Rows in the order state, slot, display.</summary>
    private static Batch BatchOf(long[] shown, int each)
    {
        var rows = new FeedbackRows(
            new int[shown.Length],
            Array.ConvertAll(shown, s => (int)s + 1),
            new float[shown.Length],
            null,
            Enumerable.Range(0, shown.Length).Select(r => (ushort)((r / each % Slots) + 1)).ToArray(),
            []);
        return new Batch([new Window(new[] { 1 }, [], 0, rows)], 0);
    }
}
