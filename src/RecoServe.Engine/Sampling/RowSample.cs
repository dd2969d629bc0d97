using System.Numerics;
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

    private readonly LogitList _logits;
    private readonly LogitList _selection;
    private readonly Span<float> _weights;
    private readonly Span<float> _squares;
    private readonly Vector512<float> _laneMaxima;
    private readonly double _rate;
    private double _temperature;
    private double _total;
    private double _totalSquare;

    /// <summary>Takes whole vectors at an even stride.</summary>
    public RowSample(in LogitRow row, in RowScratch scratch)
    {
        var lanes = Vector512<float>.Count;
        var vectors = row.Logits.Length / lanes;
        var taken = Math.Min(vectors, Math.Clamp(row.Logits.Length / RowLengthPerSampleLength, LeastLength, MaxLength) / lanes);
        _rate = (double)taken / vectors;
        _selection = scratch.Selection();
        _logits = scratch.Sample();
        _logits.Extend(taken * lanes);
        var max = Vector512.Create(float.NegativeInfinity);
        ref var to = ref MemoryMarshal.GetReference(_logits.Logits);
        ref var from = ref MemoryMarshal.GetReference(row.Logits);
        var stride = ((ulong)vectors << 32) / (uint)taken;
        for (var i = 0; i < taken; i++)
        {
            var start = (int)(((ulong)i * stride) >> 32) * lanes;
            var sixteen = Vector512.LoadUnsafe(ref from, (nuint)start);
            sixteen.StoreUnsafe(ref to, (nuint)(i * lanes));
            var bits = row.ExcludedBits(start);
            if (bits != 0)
            {
                for (; bits != 0; bits &= bits - 1)
                    _logits.Logits[(i * lanes) + BitOperations.TrailingZeroCount(bits)] = float.NegativeInfinity;
                sixteen = Vector512.LoadUnsafe(ref to, (nuint)(i * lanes));
            }

            max = Vector512.MaxNative(max, sixteen);
        }

        _logits.Pad();
        Max = RowPasses.MaxOf(max);
        _laneMaxima = max;
        EligibleCount = RowPasses.Count(_logits.Padded, float.MinValue);
        var padded = _logits.Padded.Length;
        _weights = scratch.SampleWeights[..padded];
        _squares = scratch.SampleSquares[..padded];
    }

    /// <summary>The largest logit in the sample; nothing in particular if some are NaN.</summary>
    public float Max { get; }

    /// <summary>Items in the sample that are eligible.</summary>
    public int EligibleCount { get; }

    /// <summary>A threshold that about twenty items of the sample reach: the heaviest of the row do.</summary>
    public readonly float Head
    {
        get
        {
            // Of the largest in each of sixteen parts, the twelfth: e^(−20/16) of the parts have nothing of the first twenty.
            Span<float> maxima = stackalloc float[Vector512<float>.Count];
            _laneMaxima.CopyTo(maxima);
            maxima.Sort();
            return Math.Max(float.MinValue, maxima[4]);
        }
    }

    /// <summary>Gives the logits their weights.</summary>
    public void Weigh(in SingleWeights single, double temperature)
    {
        var (scale, scaleError, shift, least) = single;
        var logits = MemoryMarshal.Cast<float, Vector512<float>>(_logits.Padded);
        var weights = MemoryMarshal.Cast<float, Vector512<float>>(_weights)[..logits.Length];
        var squares = MemoryMarshal.Cast<float, Vector512<float>>(_squares)[..logits.Length];
        var (sum, sumSquare) = (Vector512<float>.Zero, Vector512<float>.Zero);
        for (var i = 0; i < logits.Length; i++)
        {
            var weight = SingleWeights.Of(logits[i], scale, scaleError, shift, least);
            weights[i] = weight;
            squares[i] = weight * weight;
            sum += weights[i];
            sumSquare += squares[i];
        }

        (_temperature, _total, _totalSquare) = (temperature, RowPasses.Sum(sum), RowPasses.Sum(sumSquare));
    }

    /// <summary>A threshold that about so many items of the row, or somewhat more, reach.</summary>
    public readonly float ThresholdOf(double items)
    {
        var expected = items * _rate;
        var rank = expected + (3 * Math.Sqrt(expected)) + 3;
        if (rank >= EligibleCount)
            return float.MinValue;
        return PrefixSelection.Select(
            _logits, float.NegativeInfinity, float.PositiveInfinity, rank, SingleWeights.Ones, Softmax.Ones, _selection).Edge;
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
        Add(ref search, PrefixSelection.Pivots(_logits.Logits, least, round: 0), known, head);
        (int Low, int High) edges;
        do
        {
            edges = search.Between(goal, goal);
        }
        while (search.Masses[edges.Low] - search.Masses[edges.High] > EdgeMass * total && Refine(ref search, goal, goal, known));

        // The variance of an estimated ratio (Cochran 1977, section 6.4), each item a draw of its own.
        var ends = default(Four<float>);
        (ends[0], ends[1], ends[2], ends[3]) = (search.Thresholds[edges.Low], search.Thresholds[edges.High], head, head);
        var squares = AtOrAbove(_squares, ends);
        var (massLow, massHigh) = (search.Masses[edges.Low], search.Masses[edges.High]);
        var inside = massLow > massHigh ? (goal - massHigh) / (massLow - massHigh) : 0;
        var above = squares[1] + (inside * (squares[0] - squares[1]));
        var variance = ((1 - p) * (1 - p) * above) + (p * p * (_totalSquare - above));
        var margin = StandardErrors * Math.Sqrt(Math.Max(0, variance));
        while (Refine(ref search, goal + margin, goal - margin, known))
        {
        }

        var (low, high) = search.Between(goal + margin, goal - margin);
        var bracket = (Low: low == 0 ? float.MinValue : search.Thresholds[low], High: search.Thresholds[high]);
        var listed = RowPasses.Count(_logits.Padded, bracket.Low) - RowPasses.Count(_logits.Padded, bracket.High);
        return new Bracket(
            bracket.Low, bracket.High, (double)listed / _logits.Count, RowPasses.Count(_logits.Padded, search.Thresholds[edges.Low]),
            _totalSquare / (total * total) * _rate, Math.Max(0, _totalSquare - squares[1]) / (total * total) * _rate, total / _rate);
    }

    /// <summary>Takes the logits at or above a threshold out of the sample.</summary>
    private void Leave(float head)
    {
        var heads = Vector512.Create(head);
        var logits = MemoryMarshal.Cast<float, Vector512<float>>(_logits.Padded);
        var weights = MemoryMarshal.Cast<float, Vector512<float>>(_weights);
        var squares = MemoryMarshal.Cast<float, Vector512<float>>(_squares);
        var (sum, sumSquare) = (Vector512<float>.Zero, Vector512<float>.Zero);
        for (var i = 0; i < logits.Length; i++)
        {
            var stays = Vector512.LessThan(logits[i], heads);
            sum += weights[i] &= stays;
            sumSquare += squares[i] &= stays;
        }

        (_total, _totalSquare) = (RowPasses.Sum(sum), RowPasses.Sum(sumSquare));
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
        var masses = AtOrAbove(_weights, thresholds);
        for (var t = 0; t < 4; t++)
            search.Add(Math.Min(thresholds[t], highest), known + masses[t]);
    }

    /// <summary>The sums of those values whose logits are at or above thresholds.</summary>
    private readonly Four<double> AtOrAbove(ReadOnlySpan<float> values, in Four<float> thresholds)
    {
        var (t0, t1) = (Vector512.Create(thresholds[0]), Vector512.Create(thresholds[1]));
        var (t2, t3) = (Vector512.Create(thresholds[2]), Vector512.Create(thresholds[3]));
        Vector512<float> above0 = default, above1 = default, above2 = default, above3 = default;
        var logits = MemoryMarshal.Cast<float, Vector512<float>>(_logits.Padded);
        var sixteens = MemoryMarshal.Cast<float, Vector512<float>>(values)[..logits.Length];
        for (var i = 0; i < logits.Length; i++)
        {
            var (logit, value) = (logits[i], sixteens[i]);
            above0 = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(logit, t0), above0 + value, above0);
            above1 = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(logit, t1), above1 + value, above1);
            above2 = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(logit, t2), above2 + value, above2);
            above3 = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(logit, t3), above3 + value, above3);
        }

        var sums = default(Four<double>);
        (sums[0], sums[1], sums[2], sums[3]) = (RowPasses.Sum(above0), RowPasses.Sum(above1), RowPasses.Sum(above2), RowPasses.Sum(above3));
        return sums;
    }
}
