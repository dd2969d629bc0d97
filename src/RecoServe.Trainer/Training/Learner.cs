using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Objectives;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Training;

/// <summary>One step of training: dropout, weights of the rows, loss, gradient, update.</summary>
internal sealed class Learner : IDisposable
{
    private readonly NextWatchNetwork _network;
    private readonly FitOptions _options;
    private readonly IItemLoss _loss;
    private readonly FullSoftmax? _policy;
    private readonly FeedbackWeights _weights;
    private readonly IPropensity? _propensity;
    private readonly CategoryHeads? _categories;
    private readonly WeightAverage? _average;

    /// <param name="network">Learns in place.</param>
    /// <param name="options">The settings.</param>
    /// <param name="set">What will be learned from: tells how often items were watched and shown.</param>
    public Learner(NextWatchNetwork network, FitOptions options, TrainingSet set)
    {
        (_network, _options) = (network, options);
        _weights = new FeedbackWeights(options.Objective);
        _propensity = MakePropensity(set);
        _categories = MakeCategories(set);
        (string, Parameter)[] categories = [.. Named("category", _categories)];
        (string, Parameter)[] head = [.. Named("propensity", _propensity as PropensityHead)];
        _average = options.Average > 0 ? new WeightAverage(network, options.Average) : null;
        Optimiser = new Adam([.. network.named_parameters(), .. categories], options.LearningRate, options.ClipNorm, head);
        _loss = MakeLoss(set.ItemCounts);
        _policy = _weights.NeedsPolicy ? NewSoftmax() : null;
        State = categories.Concat(head).Select(p => KeyValuePair.Create(p.Item1, (Tensor)p.Item2))
            .Concat(Optimiser.State).Concat(_average?.State ?? new Dictionary<string, Tensor>()).ToDictionary();
    }

    /// <summary>What training has besides the network, by name: what is trained with it, moments, averages. A checkpoint holds and restores it in place.</summary>
    public IReadOnlyDictionary<string, Tensor> State { get; }

    /// <summary>The optimiser.</summary>
    public Adam Optimiser { get; }

    /// <summary>
    /// Takes one step from the mean gradient of some batches, which is that of one batch of all their rows. Its chance
    /// (dropout, draws) is a function of the seed and the number of the step alone.
    /// </summary>
    public StepReport Learn(params IReadOnlyList<Batch> batches)
    {
        using var scope = NewDisposeScope();
        manual_seed(HashSeed.Of(_options.Seed, Optimiser.Steps));
        var rows = batches.Sum(batch => (double)batch.Positions);
        var report = batches.Select(batch => Accumulate(batch, batch.Positions / rows)).Aggregate((sum, next) => sum.Plus(next));
        Optimiser.Step();
        _average?.Add(Optimiser.Steps);
        _network.Refresh();
        return report;
    }

    /// <summary>Shows the network as it would be served: with the average of its weights, if one is taken.</summary>
    public void Show(Action see)
    {
        if (_average is null || Optimiser.Steps == 0)
            see();
        else
            _average.Show(see);
    }

    /// <summary>How far the propensities that rows are weighed with are from what was shown: the mean −ln β of some batches, nats. Null without propensities or rows.</summary>
    public double? PropensityLossOf(IEnumerable<Batch> batches)
    {
        if (_propensity is null)
            return null;
        using var guard = no_grad();
        _network.eval();
        var (loss, rows) = (0.0, 0L);
        foreach (var batch in batches)
        {
            using var scope = NewDisposeScope();
            loss -= _propensity.LogOf(batch, StatesOf(batch, batch.Items(), batch.Cells())).to(float64).sum().item<double>();
            rows += batch.Positions;
        }

        return rows == 0 ? null : loss / rows;
    }

    /// <summary>Adds a share of the gradient of a batch's mean loss to the weights'.</summary>
    internal StepReport Accumulate(Batch batch, double share = 1)
    {
        using var scope = NewDisposeScope();
        _network.train();
        var (items, cells) = (batch.Items(), batch.Cells());
        var states = StatesOf(batch, items, cells);
        var watched = _options.Objective.ExcludeWatched ? new WatchedItems(items, cells) : null;
        var gradient = zeros_like(states);
        var propensityLoss = _propensity is PropensityHead head ? head.Accumulate(batch, states, share) : 0;
        var (weights, sums) = Weigh(batch, states.detach(), watched);
        var targets = batch.Targets();
        var loss = weights is null
            ? LossOf(states.detach(), targets, null, gradient, share, watched)
            : LossOfSome(states.detach(), targets, weights, gradient, share, watched);
        var categoryLoss = _categories is null ? 0 : CategoryLossOf(_categories, batch, states.detach(), targets, gradient, share);
        states.backward([gradient]);
        _network.SpreadGradient();
        return new StepReport(loss, batch.Positions, sums, propensityLoss, categoryLoss);
    }

    public void Dispose()
    {
        Optimiser.Dispose();
        _average?.Dispose();
        _loss.Dispose();
        _policy?.Dispose();
        (_propensity as IDisposable)?.Dispose();
        _categories?.Dispose();
    }

    /// <summary>[positions, d]: the policy's state before each row.</summary>
    private Tensor StatesOf(Batch batch, Tensor items, Tensor cells)
    {
        var read = _network.Read(
            items, _network.Shape.TimeGaps ? batch.Gaps() : null, _network.Shape.HistoryContext ? batch.HistoryContext() : null);
        return _network.Fuse(read.flatten(0, 1).index_select(0, cells), batch.Context());
    }

    private (Tensor? Weights, WeightSums Sums) Weigh(Batch batch, Tensor states, WatchedItems? watched)
    {
        if (!batch.HasRewards && _options.Objective.Kind == ObjectiveKind.Clicks && _options.Objective.Baseline == 0)
            return (null, WeightSums.None);
        var propensities = _propensity?.LogOf(batch, states);
        return _weights.Of(batch.Rewards(), propensities, _policy?.LogProbabilities(states, batch.Targets(), watched));
    }

    /// <summary>Rows of weight 0, most of what was shown, cost nothing; the mean is over all rows.</summary>
    private double LossOfSome(Tensor states, Tensor targets, Tensor weights, Tensor gradient, double share, WatchedItems? watched)
    {
        var rows = weights.nonzero().squeeze(1);
        if (rows.shape[0] == 0)
            return 0;
        var part = (double)rows.shape[0] / states.shape[0];
        var own = zeros(rows.shape[0], states.shape[1]);
        var loss = LossOf(
            states.index_select(0, rows), targets.index_select(0, rows), weights.index_select(0, rows), own, share * part, watched?.Select(rows));
        gradient.index_copy_(0, rows, own);
        return loss * part;
    }

    private double LossOf(Tensor states, Tensor targets, Tensor? weights, Tensor gradient, double share, WatchedItems? watched)
    {
        using var factor = share.ToScalar();
        if (share < 1)
            weights = weights?.mul(factor) ?? full(targets.shape, factor);
        return _loss.Accumulate(states, targets, weights, gradient, watched) / share;
    }

    /// <summary>What was shown in vain says nothing of the next item's category, whatever it weighs in the loss; the mean is over all rows.</summary>
    private static double CategoryLossOf(CategoryHeads categories, Batch batch, Tensor states, Tensor targets, Tensor gradient, double share)
    {
        if (!batch.HasRewards)
            return categories.Accumulate(states, targets, gradient, share);
        var rows = batch.Rewards().nonzero().squeeze(1);
        if (rows.shape[0] == 0)
            return 0;
        var part = (double)rows.shape[0] / states.shape[0];
        var own = zeros(rows.shape[0], states.shape[1]);
        var loss = categories.Accumulate(states.index_select(0, rows), targets.index_select(0, rows), own, share * part);
        using var one = 1.ToScalar();
        gradient.index_add_(0, rows, own, one);
        return loss * part;
    }

    private IItemLoss MakeLoss(long[] counts)
    {
        var objective = _options.Objective;
        if (objective.Loss == LossKind.Softmax)
            return NewSoftmax();
        var sampler = new NegativeSampler(counts, objective.Negatives, objective.NegativePower);
        var chunk = FullSoftmax.ChunkFor(sampler.Count);
        return objective.Loss == LossKind.Sampled
            ? new SampledSoftmax(_network.ItemMatrix, _network.ItemBias, sampler, chunk, objective.LogQ)
            : new GeneralisedBce(_network.ItemMatrix, _network.ItemBias, sampler, chunk, objective.Calibration);
    }

    private FullSoftmax NewSoftmax() =>
        new(_network.ItemMatrix, _network.ItemBias, FullSoftmax.ChunkFor(_network.Shape.ItemCount));

    private IPropensity? MakePropensity(TrainingSet set) => _options.Objective.Propensity switch
    {
        PropensitySource.None => null,
        PropensitySource.Column => new LoggedPropensity(),
        PropensitySource.Frequency => new FrequencyPropensity(set.ShownCounts, _options.Objective.PropensitySmoothing),
        _ => new PropensityHead(
            _network.Shape.Dimension, _options.Objective.PropensityRank, set.Log.Feedback?.SlotCount ?? 0, set.ShownCounts),
    };

    private CategoryHeads? MakeCategories(TrainingSet set)
    {
        var objective = _options.Objective;
        return objective.HasCategories && ItemCodes.Of(set.Log.Catalogue, objective.CategoryAttribute) is { } codes
            ? new CategoryHeads(_network.ItemMatrix, codes, objective.CategoryFromState, objective.CategoryFromItem)
            : null;
    }

    private static IEnumerable<(string, Parameter)> Named(string prefix, nn.Module? module) =>
        module is null ? [] : module.named_parameters().Select(p => ($"{prefix}.{p.name}", p.parameter));
}
