using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Some of a row's logits, from which thresholds are estimated. A bad estimate costs time and never changes a slate.
/// </summary>
internal readonly ref struct RowSample
{
    /// <summary>Most logits of a sample.</summary>
    public const int MaxLength = 8 * 1024;

    private const int LeastLength = 1024;
    private const int RowLengthPerSampleLength = 40;
    private const double StandardErrors = 2.5;

    /// <summary>The edge of the nucleus is known well enough for its uncertainty with that share of the mass about it.</summary>
    private const double EdgeMass = 0.03;

    /// <summary>So far below the largest logit an item weighs nothing.</summary>
    private const double WeightlessNats = 30;

    private readonly ItemList _logits;
    private readonly ItemList _scratch;
    private readonly double _rate;

    /// <summary>Takes whole vectors at an even stride.</summary>
    public RowSample(in LogitRow row, in RowScratch scratch)
    {
        var lanes = Vector512<float>.Count;
        var vectors = row.Logits.Length / lanes;
        var taken = Math.Min(vectors, Math.Clamp(row.Logits.Length / RowLengthPerSampleLength, LeastLength, MaxLength) / lanes);
        _logits = scratch.Sample();
        _scratch = scratch.Selection();
        _rate = (double)taken / vectors;
        for (var i = 0; i < taken; i++)
        {
            var start = (int)((long)i * vectors / taken) * lanes;
            var sixteen = _logits.Extend(row.Logits.Slice(start, lanes));
            for (var bits = row.ExcludedBits(start); bits != 0; bits &= bits - 1)
                sixteen[BitOperations.TrailingZeroCount(bits)] = float.NegativeInfinity;
        }

        Max = TensorPrimitives.Max<float>(_logits.Logits);
        EligibleCount = RowPasses.Count(_logits.Logits, float.MinValue);
    }

    /// <summary>The largest logit in the sample.</summary>
    public float Max { get; }

    /// <summary>Items in the sample that are eligible.</summary>
    public int EligibleCount { get; }

    /// <summary>A threshold that about so many items of the row, or somewhat more, reach.</summary>
    public float ThresholdOf(double items)
    {
        var expected = items * _rate;
        var rank = expected + (3 * Math.Sqrt(expected)) + 3;
        return rank >= EligibleCount ? float.MinValue : Quantile(rank, SingleWeights.Ones, Softmax.Ones);
    }

    /// <summary>Two thresholds between which the nucleus of mass p very likely ends.</summary>
    /// <param name="p">The mass, in (0, 1).</param>
    /// <param name="softmax">The reference and temperature of the weights.</param>
    public Bracket Bracket(double p, in Softmax softmax) => Bracket(p, softmax, MathF.BitIncrement(Max), 0);

    /// <summary>The same where the weight of the row's head is known: only the rest is then estimated.</summary>
    /// <param name="p">The mass, in (0, 1).</param>
    /// <param name="softmax">The reference and temperature of the weights.</param>
    /// <param name="head">All logits at or above this are known, and leave the sample.</param>
    /// <param name="headMass">Their weight in the row.</param>
    public Bracket Bracket(double p, in Softmax softmax, float head, double headMass)
    {
        foreach (ref var logit in _logits.Logits)
            logit = logit >= head ? float.NegativeInfinity : logit;
        var single = SingleWeights.RelativeTo((float)softmax.Reference, softmax.Temperature);
        var known = headMass * _rate;
        var search = new ThresholdSearch(stackalloc float[ThresholdSearch.Capacity], stackalloc double[ThresholdSearch.Capacity]);
        var least = (float)(Max - (WeightlessNats * softmax.Temperature));
        var pivots = PrefixSelection.Pivots(_logits.Logits, least, round: 0);
        var sums = Sum<FourThresholds>(single, pivots);
        var total = known + sums.Total;
        search.Add(least, total);
        search.Add(head, known);
        for (var pivot = 0; pivot < 4; pivot++)
            search.Add(Math.Min(pivots[pivot], head), known + sums.Above[pivot]);
        (int Low, int High) edges;
        do
        {
            edges = search.Between(p * total, p * total);
        }
        while (search.Masses[edges.Low] - search.Masses[edges.High] > EdgeMass * total && Refine(ref search, p * total, p * total, single, known));

        // The variance of an estimated ratio (Cochran 1977, section 6.4), each item a draw of its own.
        var ends = default(Four<float>);
        (ends[0], ends[1]) = (search.Thresholds[edges.Low], search.Thresholds[edges.High]);
        var squares = Sum<FourThresholds>(single.Squared(), ends);
        var (massLow, massHigh) = (search.Masses[edges.Low], search.Masses[edges.High]);
        var inside = massLow > massHigh ? ((p * total) - massHigh) / (massLow - massHigh) : 0;
        var above = squares.Above[1] + (inside * (squares.Above[0] - squares.Above[1]));
        var variance = ((1 - p) * (1 - p) * above) + (p * p * (squares.Total - above));
        var margin = StandardErrors * Math.Sqrt(variance);
        while (Refine(ref search, (p * total) + margin, (p * total) - margin, single, known))
        {
        }

        var (low, high) = search.Between((p * total) + margin, (p * total) - margin);
        var size = RowPasses.Count(_logits.Logits, search.Thresholds[edges.Low]);
        return new Bracket(low == 0 ? float.MinValue : search.Thresholds[low], search.Thresholds[high], margin / total, size, squares.Total / (total * total) * _rate, total / _rate);
    }

    /// <summary>Divides the interval in which the masses lie into five; false if that has nothing to win.</summary>
    private bool Refine(ref ThresholdSearch search, double massAtLow, double massAtHigh, in SingleWeights single, double known)
    {
        if (!search.TryDivide(massAtLow, massAtHigh, out var thresholds))
            return false;
        var above = Sum<FourThresholds>(single, thresholds).Above;
        for (var t = 0; t < 4; t++)
            search.Add(thresholds[t], known + above[t]);
        return true;
    }

    private PassSums Sum<TCount>(in SingleWeights weights, in Four<float> thresholds)
        where TCount : struct, IThresholdCount => RowPasses.Sum<TCount>(_logits.Padded, weights, thresholds);

    private float Quantile(double mass, in SingleWeights single, in Softmax exact) =>
        RankKey.LogitOf(PrefixSelection.Select(_logits, float.NegativeInfinity, float.PositiveInfinity, mass, single, exact, _scratch).Last);
}

/// <summary>Where the end of a nucleus is expected.</summary>
/// <param name="Low">At or below its last logit; the least number there is if there is no telling.</param>
/// <param name="High">Above its last logit.</param>
/// <param name="Margin">Uncertainty of the mass, relative to the whole.</param>
/// <param name="Size">Items of it in the sample, without those of a head that is known.</param>
/// <param name="Concentration">
/// Σ w² / (Σ w)² over the row: one over the number of items that carry the mass. Without the squares of a head that is known.
/// </param>
/// <param name="Total">The estimated weight of the row.</param>
internal readonly record struct Bracket(float Low, float High, double Margin, int Size, double Concentration, double Total);
