using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tradeoff;

/// <summary>Recall@N against the share of premium items, over the reward of a premium item.</summary>
internal sealed class TradeoffCurve
{
    private readonly EvaluationSplit _split;
    private readonly SplitPart _part;
    private readonly int _length;
    private readonly RankingOptions _ranking;
    private readonly bool[] _isPremium;

    /// <param name="split">Questions and targets.</param>
    /// <param name="part">Validation or test.</param>
    /// <param name="length">N.</param>
    /// <param name="ranking">What decides ranks; null for the defaults.</param>
    /// <exception cref="DataException">Items have no attribute premium, or no item is premium.</exception>
    public TradeoffCurve(EvaluationSplit split, SplitPart part, int length, RankingOptions? ranking = null)
    {
        (_split, _part, _length) = (split, part, length);
        _ranking = (ranking ?? RankingOptions.Default) with { HitCutoffs = [length], NdcgCutoffs = [], PrecisionCutoffs = [], ListLength = length };
        _isPremium = PremiumItems.Of(split.Log.Catalogue)
            ?? throw new DataException($"items have no attribute premium, only {string.Join(", ", split.Log.Catalogue.Attributes.Keys)}; name a column with --items and --column premium=NAME");
        if (!_isPremium.Contains(true))
            throw new DataException("no item has premium = true");
    }

    /// <summary>What a scorer's lists have.</summary>
    /// <param name="scorer">Trained with a reward, or shifted.</param>
    /// <param name="reward">That reward.</param>
    /// <param name="progress">Called after each batch with the questions done and the questions in all.</param>
    /// <param name="cancellationToken">Ends it between two batches.</param>
    public TradeoffPoint Measure(IItemScorer scorer, double reward, Action<int, int>? progress = null, CancellationToken cancellationToken = default)
    {
        var report = FullRanking.Evaluate(_split, _part, scorer, _ranking, progress, cancellationToken);
        return new TradeoffPoint(reward, report[$"HR@{_length}"], report[$"premium_share@{_length}"]);
    }

    /// <summary>A scorer trained without reward, its premium logits shifted by the reward's logarithm.</summary>
    public IItemScorer Shifted(IItemScorer scorer, double reward) => new ShiftedScorer(scorer, _isPremium, reward);

    /// <summary>The curve's recall at a premium share, between its two neighbouring points; NaN outside of the curve.</summary>
    /// <param name="curve">At least one point, by rising reward.</param>
    /// <param name="share">A premium share.</param>
    public static double RecallAt(IReadOnlyList<TradeoffPoint> curve, double share)
    {
        for (var i = 1; i < curve.Count; i++)
        {
            var (low, high) = (curve[i - 1], curve[i]);
            if (low.PremiumShare <= share && share <= high.PremiumShare)
            {
                var width = high.PremiumShare - low.PremiumShare;
                return low.Recall + ((high.Recall - low.Recall) * (width == 0 ? 0 : (share - low.PremiumShare) / width));
            }
        }

        return double.NaN;
    }
}
