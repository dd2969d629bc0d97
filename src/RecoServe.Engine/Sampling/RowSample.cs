using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Some of a row's logits with their weights, from which thresholds are estimated. A bad estimate costs time and never changes
/// a slate.
/// </summary>
internal ref struct RowSample
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

    private readonly LogitList _list;
    private readonly LogitList _selection;
    private readonly Span<float> _squares;
    private readonly Vector512<float> _laneMaxima;
    private readonly double _rate;
    private double _temperature;
    private double _total;
    private double _totalSquare;

    /// <summary>Takes whole vectors at an even stride.</summary>
    public RowSample(scoped in LogitRow row, RowScratch scratch)
    {
        var lanes = Vector512<float>.Count;
        var vectors = row.Logits.Length / lanes;
        var taken = Math.Min(vectors, Math.Clamp(row.Logits.Length / RowLengthPerSampleLength, LeastLength, MaxLength) / lanes);
        _rate = (double)taken / vectors;
        _selection = scratch.Selection();
        _list = scratch.Sample();
        var logits = _list.Extend(taken * lanes);
        _laneMaxima = Vector512.Create(float.NegativeInfinity);
        var stride = ((ulong)vectors << 32) / (uint)taken;
        for (var i = 0; i < logits.Length; i += lanes)
        {
            var start = (int)(((ulong)(i / lanes) * stride) >> 32) * lanes;
            var sixteen = Vector512.Create(row.Logits.Slice(start, lanes));
            sixteen.CopyTo(logits[i..]);
            var bits = row.ExcludedBits(start);
            if (bits != 0)
            {
                for (; bits != 0; bits &= bits - 1)
                    logits[i + BitOperations.TrailingZeroCount(bits)] = float.NegativeInfinity;
                sixteen = Vector512.Create<float>(logits.Slice(i, lanes));
            }

            _laneMaxima = Vector512.MaxNative(_laneMaxima, sixteen);
        }

        Max = RowPasses.MaxOf(_laneMaxima);
        _list.WeighEqually();
        EligibleCount = _list.CountAtOrAbove(float.MinValue);
        _squares = scratch.SampleSquares[.._list.Count];
    }

    /// <summary>The largest logit in the sample; nothing in particular if some are NaN.</summary>
    public float Max { get; }

    /// <summary>Items in the sample that are eligible.</summary>
    public int EligibleCount { get; }

    /// <summary>A threshold that about twenty items of the sample reach: the heaviest of the row do.</summary>
    public readonly float Head => LaneMaximum(12);

    /// <summary>The same of six items.</summary>
    public readonly float Peak => LaneMaximum(5);

    /// <summary>A threshold that about so many items of the row, or somewhat more, reach. Before <see cref="Weigh"/>.</summary>
    public readonly float ThresholdOf(double items)
    {
        var expected = items * _rate;
        var rank = expected + (3 * Math.Sqrt(expected)) + 3;
        if (rank >= EligibleCount)
            return float.MinValue;
        return PrefixSelection.Select(_list, float.NegativeInfinity, float.PositiveInfinity, rank, Softmax.Ones, _selection).Edge;
    }

    /// <summary>Gives the logits their weights.</summary>
    public void Weigh(in SingleWeights single, double temperature)
    {
        (_temperature, _total) = (temperature, _list.Weigh(single));
        TensorPrimitives.Multiply<float>(_list.Weights, _list.Weights, _squares);
        _totalSquare = SumOfSquares();
    }

    /// <summary>Two thresholds between which the nucleus of mass p very likely ends.</summary>
    /// <param name="p">The mass, in (0, 1).</param>
    public Bracket Bracket(double p) => Bracket(p, MathF.BitIncrement(Max), 0);

    /// <summary>The same where the weight of the row's head is known: only the rest is then estimated.</summary>
    /// <param name="p">The mass, in (0, 1).</param>
    /// <param name="head">All logits at or above this are known, and leave the sample.</param>
    /// <param name="headMass">Their weight in the row.</param>
    public Bracket Bracket(double p, float head, double headMass)
    {
        var known = headMass * _rate;
        if (headMass > 0)
            Leave(head);
        var (total, goal) = (known + _total, p * (known + _total));
        var search = new ThresholdSearch(stackalloc float[ThresholdSearch.Capacity], stackalloc double[ThresholdSearch.Capacity]);
        var least = (float)(Max - (WeightlessNats * _temperature));
        search.Add(least, total);
        search.Add(head, known);
        Add(ref search, PrefixSelection.Pivots(_list.Logits, least, round: 0), known, head);
        (int Low, int High) edges;
        do
        {
            edges = search.Between(goal, goal);
        }
        while (search.Masses[edges.Low] - search.Masses[edges.High] > EdgeMass * total && Refine(ref search, goal, goal, known));

        // The variance of an estimated ratio (Cochran 1977, section 6.4), each item a draw of its own.
        var (squaresLow, squaresHigh) = (SquaresAtOrAbove(search.Thresholds[edges.Low]), SquaresAtOrAbove(search.Thresholds[edges.High]));
        var (massLow, massHigh) = (search.Masses[edges.Low], search.Masses[edges.High]);
        var inside = massLow > massHigh ? (goal - massHigh) / (massLow - massHigh) : 0;
        var above = squaresHigh + (inside * (squaresLow - squaresHigh));
        var variance = ((1 - p) * (1 - p) * above) + (p * p * (_totalSquare - above));
        var margin = StandardErrors * Math.Sqrt(Math.Max(0, variance));
        while (Refine(ref search, goal + margin, goal - margin, known))
        {
        }

        var bracket = search.Between(goal + margin, goal - margin);
        var (low, high) = (bracket.Low == 0 ? float.MinValue : search.Thresholds[bracket.Low], search.Thresholds[bracket.High]);
        var listed = _list.CountAtOrAbove(low) - _list.CountAtOrAbove(high);
        var scale = _rate / (total * total);
        return new Bracket(
            low, high, (double)listed / _list.Count, _list.CountAtOrAbove(search.Thresholds[edges.Low]), _totalSquare * scale,
            Math.Max(0, _totalSquare - squaresHigh) * scale);
    }

    /// <summary>Of the largest logits in each of sixteen parts, one: of r items, e^(−r/16) of the parts have none.</summary>
    private readonly float LaneMaximum(int rank)
    {
        Span<float> maxima = stackalloc float[Vector512<float>.Count];
        _laneMaxima.CopyTo(maxima);
        maxima.Sort();
        return Math.Max(float.MinValue, maxima[^rank]);
    }

    /// <summary>Takes the logits at or above a threshold out of the sample.</summary>
    private void Leave(float head)
    {
        var heads = Vector512.Create(head);
        var logits = MemoryMarshal.Cast<float, Vector512<float>>(_list.Logits);
        var weights = MemoryMarshal.Cast<float, Vector512<float>>(_list.Weights);
        var squares = MemoryMarshal.Cast<float, Vector512<float>>(_squares);
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < logits.Length; i++)
        {
            var stays = Vector512.LessThan(logits[i], heads);
            sum += weights[i] &= stays;
            squares[i] &= stays;
        }

        (_total, _totalSquare) = (RowPasses.Sum(sum), SumOfSquares());
    }

    /// <summary>Divides the interval in which the masses lie into five; false if that has nothing to win.</summary>
    private readonly bool Refine(ref ThresholdSearch search, double massAtLow, double massAtHigh, double known)
    {
        if (!search.TryDivide(massAtLow, massAtHigh, out var thresholds))
            return false;
        Add(ref search, thresholds, known, float.PositiveInfinity);
        return true;
    }

    private readonly void Add(ref ThresholdSearch search, in Four<float> thresholds, double known, float highest)
    {
        var masses = _list.MassAtOrAbove(thresholds);
        for (var t = 0; t < 4; t++)
            search.Add(Math.Min(thresholds[t], highest), known + masses[t]);
    }

    private readonly double SumOfSquares() => SquaresAtOrAbove(float.NegativeInfinity);

    private readonly double SquaresAtOrAbove(float threshold)
    {
        var thresholds = Vector512.Create(threshold);
        var logits = MemoryMarshal.Cast<float, Vector512<float>>(_list.Logits);
        var squares = MemoryMarshal.Cast<float, Vector512<float>>(_squares);
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < logits.Length; i++)
            sum = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(logits[i], thresholds), sum + squares[i], sum);
        return RowPasses.Sum(sum);
    }
}
