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
    private const int PieceLength = 32;
    private const int RowLengthPerSampleLength = 40;
    private const double StandardErrors = 2.5;
    private const int HeadLanes = 12;
    private const int ItemsOfHead = 20;

    /// <summary>Rounds, each of which divides an interval of thresholds into five.</summary>
    private const int Divisions = 4;

    /// <summary>The edge of the nucleus is known well enough for its uncertainty with that share of the mass about it.</summary>
    private const double EdgeMass = 0.03;

    /// <summary>So far below the largest logit an item weighs nothing.</summary>
    private const double WeightlessNats = 30;

    private readonly LogitList _list;
    private readonly LogitList _selection;
    private readonly Span<float> _squares;
    private readonly ReadOnlySpan<float> _laneMaxima;
    private readonly double _rate;
    private double _temperature;
    private double _total;
    private double _totalSquare;
    private double _unseenSquare;
    private double _reference;
    private double _power;

    /// <summary>Takes pieces of two cache lines, from the middle of each stride: of a sorted row neither end.</summary>
    public RowSample(scoped in LogitRow row, RowScratch scratch)
    {
        var pieces = row.Logits.Length / PieceLength;
        var taken = Math.Min(pieces, Math.Clamp(row.Logits.Length / RowLengthPerSampleLength, LeastLength, MaxLength) / PieceLength);
        _rate = (double)taken / pieces;
        _selection = scratch.Selection();
        _list = scratch.Sample();
        var logits = _list.Extend(taken * PieceLength);
        var maxima = Vector512.Create(float.NegativeInfinity);
        var stride = ((ulong)pieces << 32) / (uint)taken;
        for (var i = 0u; i < taken; i++)
        {
            var start = (int)(((i * stride) + (stride / 2)) >> 32) * PieceLength;
            var piece = logits.Slice((int)i * PieceLength, PieceLength);
            row.Logits.Slice(start, PieceLength).CopyTo(piece);
            for (var bits = row.ExcludedBits(start); bits != 0; bits &= bits - 1)
                piece[BitOperations.TrailingZeroCount(bits)] = float.NegativeInfinity;
            var (first, second) = (Vector512.Create<float>(piece), Vector512.Create<float>(piece[Vector512<float>.Count..]));
            maxima = Vector512.MaxNative(maxima, Vector512.MaxNative(first, second));
        }

        maxima.CopyTo(scratch.LaneMaxima);
        Array.Sort(scratch.LaneMaxima);
        _laneMaxima = scratch.LaneMaxima;
        Max = RowPasses.MaxOf(maxima);
        EligibleCount = _list.CountAtOrAbove(float.MinValue);
        _squares = scratch.SampleSquares;
    }

    /// <summary>The largest logit in the sample; nothing in particular if some are NaN.</summary>
    public float Max { get; }

    /// <summary>Items in the sample that are eligible.</summary>
    public int EligibleCount { get; }

    /// <summary>Below this an item weighs nothing.</summary>
    private readonly float Least => (float)(Max - (WeightlessNats * _temperature));

    /// <summary>The weight of the sample, items in proportion included that it does not have.</summary>
    private double ExpectedTotal { get; set; }

    /// <summary>A threshold that about twenty items of the sample reach: the heaviest of the row do.</summary>
    public readonly float Head => LaneMaximum(HeadLanes);

    /// <summary>The standard error of the sample's total, relative to it.</summary>
    public readonly double Uncertainty => Math.Sqrt(_totalSquare + _unseenSquare) / ExpectedTotal;

    /// <summary>A threshold that about so many items of the row, or somewhat more, reach. Before <see cref="Weigh"/>.</summary>
    public readonly float ThresholdOf(double items)
    {
        var expected = items * _rate;
        var rank = expected + (3 * Math.Sqrt(expected)) + 3;
        if (rank >= EligibleCount)
            return float.MinValue;
        if (rank <= ItemsOfHead)
            return LaneMaximum((int)Math.Ceiling(16 * (1 - Math.Exp(-rank / 16))));
        _list.WeighEqually();
        return PrefixSelection.Select(_list, float.NegativeInfinity, float.PositiveInfinity, rank, Softmax.Ones, _selection).Edge;
    }

    /// <summary>Gives the logits their weights.</summary>
    public void Weigh(in SingleWeights single, double temperature)
    {
        (_temperature, _total) = (temperature, _list.Weigh(single));
        var logits = _list.Logits;
        var weights = _list.Weights;
        var heads = Vector512.Create(Head);
        Vector512<float> excess = default, headMass = default, headSquares = default, total = default;
        var count = 0;
        for (var i = 0; i < logits.Length; i += Vector512<float>.Count)
        {
            var (logit, weight) = (Vector512.LoadUnsafe(ref logits[i]), Vector512.LoadUnsafe(ref weights[i]));
            var square = weight * weight;
            square.StoreUnsafe(ref _squares[i]);
            total += square;
            var isHead = Vector512.GreaterThanOrEqual(logit, heads);
            if (isHead == default) // nearly always
                continue;
            excess += isHead & (logit - heads);
            headMass += isHead & weight;
            headSquares += isHead & square;
            count += BitOperations.PopCount(isHead.ExtractMostSignificantBits());
        }

        _totalSquare = RowPasses.Sum(total);
        (_reference, _power) = (single.Reference, RowPasses.Sum(excess) / temperature / count);
        ExpectedTotal = _total + Math.Max(0, MassOfLanes(HeadLanes) - RowPasses.Sum(headMass));
        var weightOfHead = Math.Exp((Head - _reference) / temperature);
        _unseenSquare = Math.Max(0, (_rate * weightOfHead * weightOfHead * SumOfPowers(2 * _power, count / _rate)) - RowPasses.Sum(headSquares));
    }

    /// <summary>A threshold that few items reach, those of the nucleus among them if they are few.</summary>
    /// <param name="p">The mass of the nucleus.</param>
    public readonly float Peak(double p)
    {
        var lanes = 3;
        while (lanes < HeadLanes - 4 && MassOfLanes(lanes) < (3 + p) / 4 * ExpectedTotal)
            lanes *= 2;
        return LaneMaximum(lanes);
    }

    /// <summary>The share of the row's items that the nucleus of mass p is expected to have.</summary>
    public readonly double ShareOfNucleus(double p)
    {
        var missing = (p * ExpectedTotal) - MassOfLanes(HeadLanes);
        if (missing <= 0)
            return 0;
        var rest = _total - MassAtOrAbove(Head);
        return TryFindThreshold(Head, Least, missing, rest - missing, Divisions - 1, out var last) ? ShareAtOrAbove(last) : 1;
    }

    /// <summary>
    /// The heaviest items of the row, which the sample very likely does not have: their logits lie above <see cref="Head"/> as
    /// the exponential distribution has it that those in the sample have (Hill 1975), so that weights fall by a power of the rank.
    /// </summary>
    private readonly double MassOfLanes(int lanes)
    {
        var items = -16 * Math.Log(1 - (Math.Min(lanes, 15.5) / 16));
        return _rate * Math.Exp((LaneMaximum(lanes) - _reference) / _temperature) * SumOfPowers(_power, items / _rate);
    }

    /// <summary>Σ (n / r)^power over the ranks r = 1…n.</summary>
    private static double SumOfPowers(double power, double n) =>
        Math.Pow(n, power) * (1 + (Math.Abs(power - 1) < 1e-6 ? Math.Log(n) : (Math.Pow(n, 1 - power) - 1) / (1 - power)));

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
        var unseen = headMass > 0 ? 0 : _unseenSquare;
        if (headMass > 0)
            Leave(head);
        var (total, goal) = (known + _total, p * (known + _total));
        var search = new ThresholdSearch(stackalloc float[ThresholdSearch.Capacity], stackalloc double[ThresholdSearch.Capacity]);
        search.Add(Least, total);
        search.Add(head, known);
        Add(ref search, PrefixSelection.Pivots(_list.Logits, Least, round: 0), known, head);
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
        var above = squaresHigh + unseen + (inside * (squaresLow - squaresHigh));
        var variance = ((1 - p) * (1 - p) * above) + (p * p * (_totalSquare + unseen - above));
        var margin = StandardErrors * Math.Sqrt(Math.Max(0, variance));
        while (Refine(ref search, goal + margin, goal - margin, known))
        {
        }

        var bracket = search.Between(goal + margin, goal - margin);
        return new Bracket(bracket.Low == 0 ? float.MinValue : search.Thresholds[bracket.Low], search.Thresholds[bracket.High]);
    }

    /// <summary>The share of the row at or above a threshold, as the sample has it.</summary>
    public readonly double ShareAtOrAbove(float threshold) => (double)_list.CountAtOrAbove(threshold) / _list.Count;

    /// <summary>
    /// So far below a threshold that the row very likely has a mass between the two, by what the sample has there or by what it
    /// has further below; the least number if there is no telling.
    /// </summary>
    /// <param name="high">The threshold.</param>
    /// <param name="mass">The mass.</param>
    /// <param name="rest">That of all that is below the threshold, which is known.</param>
    public readonly float ThresholdBelow(float high, double mass, double rest) =>
        TryFindThreshold(high, Least, mass * _rate, (rest - mass) * _rate, Divisions, out var low) ? low : float.MinValue;

    /// <summary>So far above a threshold that the row very likely has a mass between the two; ∞ if there is no telling.</summary>
    public readonly float ThresholdAbove(float low, double mass) =>
        TryFindThreshold(low, MathF.BitIncrement(Max), mass * _rate, double.NegativeInfinity, Divisions, out var high) ? high : float.PositiveInfinity;

    /// <summary>Of the thresholds from one to a far one, the first so that the sample surely has a mass between, or at most another below.</summary>
    private readonly bool TryFindThreshold(float near, float far, double mass, double below, int divisions, out float threshold)
    {
        var (sample, start, massAtStart) = (_total, near, MassAtOrAbove(near));
        var (reference, temperature) = (_reference, _temperature);
        var found = IsFar(far, MassAtOrAbove(far));
        for (var division = 0; found && division < divisions; division++)
        {
            var thresholds = PrefixSelection.Divide(near, far);
            var masses = _list.MassAtOrAbove(thresholds);
            var t = 0;
            while (t < 4 && !IsFar(thresholds[t], masses[t]))
                near = thresholds[t++];
            far = t < 4 ? thresholds[t] : far;
        }

        threshold = far;
        return found;

        bool IsFar(float threshold, double massAt)
        {
            var between = Math.Abs(massAt - massAtStart);
            return between - Margin(between, Math.Max(threshold, start)) >= mass || sample - massAt + Margin(sample - massAt, threshold) <= below;
        }

        // Σ w² is at most Σ w times the largest.
        double Margin(double sum, float largest) => StandardErrors * Math.Sqrt(Math.Max(0, sum) * Math.Exp((largest - reference) / temperature));
    }

    /// <summary>Of the largest logits in each of sixteen parts, one: of r items, e^(−r/16) of the parts have none.</summary>
    private readonly float LaneMaximum(int rank) => Math.Max(float.MinValue, _laneMaxima[^rank]);

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

    private readonly double MassAtOrAbove(float threshold) => SumAtOrAbove(_list.Weights, threshold);

    private readonly double SquaresAtOrAbove(float threshold) => SumAtOrAbove(_squares, threshold);

    private readonly double SumAtOrAbove(Span<float> values, float threshold)
    {
        var thresholds = Vector512.Create(threshold);
        var logits = MemoryMarshal.Cast<float, Vector512<float>>(_list.Logits);
        var sixteens = MemoryMarshal.Cast<float, Vector512<float>>(values);
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < logits.Length; i++)
            sum = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(logits[i], thresholds), sum + sixteens[i], sum);
        return RowPasses.Sum(sum);
    }
}
