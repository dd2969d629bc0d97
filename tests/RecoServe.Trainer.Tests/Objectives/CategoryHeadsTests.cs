using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Objectives;
using RecoServe.Trainer.Tests.Training;
using RecoServe.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Objectives;

[Collection(Torch.Collection)]
public sealed class CategoryHeadsTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Learner_MoreWeight_DrawsItemsOfACategoryTogether(bool ofItem)
    {
        var margins = new[] { 0.0, 0.3, 3.0 }.Select(weight => Margin(ofItem ? weight : 0, ofItem ? 0 : weight)).ToArray();
        Assert.True(margins[0] < margins[1] && margins[1] < margins[2], string.Join(" < ", margins));
    }

    [Theory]
    [InlineData("a", "b", "a")]
    [InlineData("a|b", "b", "c")]
    [InlineData("a", "", "b")]
    public void Accumulate_IsTheFormulasGradient(string first, string second, string third)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var codes = ItemCodes.Of(Catalogue.Create(["1", "2", "3"], new Dictionary<string, IReadOnlyList<string>> { ["category"] = [first, second, third] }), "category")!;
        var items = nn.Parameter(randn(4, 5));
        items.grad = zeros_like(items);
        using var heads = new CategoryHeads(items, codes, stateWeight: 0.5, itemWeight: 2);
        var (states, targets, gradient) = (randn(6, 5), tensor(new long[] { 1, 2, 3, 3, 2, 1 }), zeros(6, 5));
        var loss = heads.Accumulate(states, targets, gradient);

        double Of(Func<Tensor> vectors, string head) => Formula(heads, codes, head, vectors(), targets);
        var (ofState, ofItem) = (Of(() => states, "of_state"), Of(() => items.index_select(0, targets), "of_item"));
        Assert.Equal(ofState + ofItem, loss, 1e-4);
        using (no_grad())
        {
            Assert.Equal(0.5 * Slope(states, () => Of(() => states, "of_state")), gradient[1, 2].item<float>(), 1e-3);
            Assert.Equal(2 * Slope(items, () => Of(() => items.index_select(0, targets), "of_item")), items.grad[1, 2].item<float>(), 1e-3);
        }
    }

    /// <summary>By the logits: softmax, or where items have several categories the sigmoid of each, minus what the item has; of an item without categories 0.</summary>
    [Theory]
    [InlineData("a", "b", "a", 1)]
    [InlineData("a", "b", "", 0.25)]
    [InlineData("a|b", "b", "c", 0.25)]
    [InlineData("a|b", "", "b|c", 1)]
    public void Accumulate_IsTheClosedFormsGradient(string first, string second, string third, double share)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        var codes = ItemCodes.Of(Catalogue.Create(["1", "2", "3"], new Dictionary<string, IReadOnlyList<string>> { ["category"] = [first, second, third] }), "category")!;
        var items = nn.Parameter(randn(4, 5));
        items.grad = zeros_like(items);
        using var heads = new CategoryHeads(items, codes, stateWeight: 0.5, itemWeight: 2);
        var (states, targets, gradient) = (randn(6, 5), tensor(new long[] { 1, 2, 3, 3, 2, 1 }), zeros(6, 5));
        heads.Accumulate(states, targets, gradient, share);

        var named = heads.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        bool[] isKnown = [false, first != "", second != "", third != ""];
        var members = tensor(Enumerable.Range(0, 4).SelectMany(i => Enumerable.Range(0, codes.ValueCount).Select(c => i > 0 && codes.Of(i).Contains(c) ? 1.0 : 0)).ToArray(), 4, codes.ValueCount).index_select(0, targets);
        var known = tensor(Array.ConvertAll(isKnown, k => k ? 1.0 : 0), 4, 1).index_select(0, targets);
        LossProblem.Close(Check("of_state", states, 0.5), gradient, 1e-6);
        using var one = 1.ToScalar();
        LossProblem.Close(zeros(4, 5, float64).index_add(0, targets, Check("of_item", items.detach().index_select(0, targets), 2), one), items.grad, 1e-6);

        Tensor Check(string head, Tensor vectors, double weight)
        {
            using var scale = (weight * share / 6).ToScalar();
            var (x, w) = (vectors.to(float64), named[$"{head}.weight"].detach().to(float64));
            var logits = mm(x, w.t()).Plus(named[$"{head}.bias"].detach().to(float64));
            var byLogit = ((first.Contains('|', StringComparison.Ordinal) ? logits.sigmoid() : logits.softmax(1)) - members).mul(known).mul(scale);
            LossProblem.Close(mm(byLogit.t(), x), named[$"{head}.weight"].grad!, 1e-6);
            LossProblem.Close(byLogit.sum([0L]), named[$"{head}.bias"].grad!, 1e-6);
            return mm(byLogit, w);
        }
    }

    /// <summary>With a baseline, what was shown in vain has a weight in the loss; it is still no example of what comes next.</summary>
    [Fact]
    public void Learner_WithABaseline_LearnsCategoriesOfWatchesAlone()
    {
        var (watched, all) = (CategoryLoss(baseline: 0, watchedOf: 3), CategoryLoss(baseline: 0, watchedOf: 1));
        Assert.InRange(watched / all, 0.2, 0.5); // the mean is over all rows, of which a third was watched
        Assert.Equal(watched, CategoryLoss(baseline: 0.5, watchedOf: 3));

        static double CategoryLoss(double baseline, int watchedOf)
        {
            using var scope = NewDisposeScope();
            manual_seed(5);
            var log = TinyLogs.WithFeedback(TinyLogs.Cycle(), (user, watch) => (user + watch) % watchedOf == 0 ? 1 : 0);
            var set = new TrainingSet(log, TinyLogs.AllButLast(log), 32);
            using var network = new NextWatchNetwork(new NetworkShape(30, 8, 1, []), 0);
            var options = TrainingRunFixture.Quick with { Dimension = 8, Objective = new ObjectiveOptions { CategoryFromState = 0.3, CategoryFromItem = 0.3, Baseline = baseline } };
            using var learner = new Learner(network, options, set);
            return learner.Accumulate(set.Batch(set.Epoch(1, 1, 16)[0])).CategoryLoss;
        }
    }

    /// <summary>By central difference in the cell (1, 2).</summary>
    private static double Slope(Tensor values, Func<double> loss)
    {
        using var step = 1e-2.ToScalar();
        using var back = (-2e-2).ToScalar();
        values[1, 2].Increase(step);
        var above = loss();
        values[1, 2].Increase(back);
        var below = loss();
        values[1, 2].Increase(step);
        return (above - below) / 2e-2;
    }

    private static double Formula(CategoryHeads heads, ItemCodes codes, string head, Tensor vectors, Tensor targets)
    {
        var named = heads.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        using var logits = mm(vectors, named[$"{head}.weight"].t()).Plus(named[$"{head}.bias"]).detach();
        var several = Enumerable.Range(1, 3).Any(i => codes.Of(i).Length > 1);
        var sum = 0.0;
        for (var row = 0; row < targets.shape[0]; row++)
        {
            var x = logits[row].data<float>().ToArray();
            var own = codes.Of((int)targets[row].item<long>()).ToArray();
            if (own.Length == 0)
                continue;
            sum += several
                ? x.Select((v, c) => Math.Log(1 + Math.Exp(own.Contains(c) ? -v : v))).Sum()
                : Math.Log(x.Sum(v => Math.Exp(v))) - x[own[0]];
        }

        return sum / targets.shape[0];
    }

    /// <summary>Mean cosine of two items of one category less that of two of different ones; the log goes from category to category.</summary>
    private static double Margin(double ofItem, double ofState)
    {
        set_num_threads(1);
        using var scope = NewDisposeScope();
        manual_seed(5);
        var random = new Random(2);
        var tiny = TinyLogs.Build(24, [.. Enumerable.Range(0, 60).Select(u => Enumerable.Range(0, 12).Select(t => (4 * random.Next(6)) + ((u + t) % 4) + 1).ToArray())], []);
        var catalogue = Catalogue.Create(
            [.. Enumerable.Range(1, 24).Select(i => $"{i}")], new Dictionary<string, IReadOnlyList<string>> { ["category"] = [.. Enumerable.Range(1, 24).Select(i => $"c{i % 4}")] });
        var log = new WatchLog(
            catalogue,
            [.. Enumerable.Range(0, tiny.UserCount).Select(tiny.UserId)],
            [.. Enumerable.Range(0, tiny.UserCount + 1).Select(u => u * 12L)],
            [.. Enumerable.Range(0, tiny.UserCount).SelectMany(u => tiny.ItemsOf(u).ToArray())],
            [],
            []);
        var set = new TrainingSet(log, TinyLogs.AllButLast(log), 32);
        using var network = new NextWatchNetwork(new NetworkShape(24, 16, 1, []), 0);
        var options = TrainingRunFixture.Quick with { Objective = new ObjectiveOptions { CategoryFromItem = ofItem, CategoryFromState = ofState } };
        using var learner = new Learner(network, options, set);
        for (var epoch = 1; epoch <= 12; epoch++)
        {
            foreach (var windows in set.Epoch(1, epoch, 16))
                learner.Learn(set.Batch(windows));
        }

        var vectors = nn.functional.normalize(network.ItemMatrix.detach().narrow(0, 1, 24), dim: 1);
        var cosines = mm(vectors, vectors.t()).data<float>().ToArray();
        double Mean(bool same) => Enumerable.Range(0, 24 * 24).Where(c => c / 24 != c % 24 && (((c / 24) - (c % 24)) % 4 == 0) == same).Average(c => cosines[c]);
        return Mean(true) - Mean(false);
    }
}
