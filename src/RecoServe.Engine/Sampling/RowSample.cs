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

    private const int LeastLength = 512;
    private const int PieceLength = 32;

    /// <summary>So far ahead memory is asked for.</summary>
    private const uint PiecesAhead = 16;
    private const int RowLengthPerSampleLength = 40;
    private const double StandardErrors = 2.5;

    /// <summary>Rounds, each of which divides an interval of thresholds into five.</summary>
    private const int Divisions = 4;

    /// <summary>The edge of the nucleus is known well enough for its uncertainty with that share of the mass about it.</summary>
    private const double EdgeMass = 0.03;

    /// <summary>The head is taken shorter where the sample has no more than this share of 1 − p below it.</summary>
    private const double SparedRest = 0.7;

    /// <summary>So far below the largest logit an item weighs nothing.</summary>
    private const double WeightlessNats = 30;

    private readonly LogitList _list;
    private readonly LogitList _selection;
    private readonly Span<float> _squares;
    private readonly double _rate;
    private Softmax _softmax;
    private double _total;
    private double _headMass;
    private double _knownMass;
    private double _totalSquare;
    private double _unseenSquare;
    private RowHead _head;

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
            Prefetch.Piece(row.Logits, StartOf(i + PiecesAhead, stride));
            var start = StartOf(i, stride);
            var piece = logits.Slice((int)i * PieceLength, PieceLength);
            row.Logits.Slice(start, PieceLength).CopyTo(piece);
            for (var bits = row.ExcludedBits(start); bits != 0; bits &= bits - 1)
                piece[BitOperations.TrailingZeroCount(bits)] = float.NegativeInfinity;
            var (first, second) = (Vector512.Create<float>(piece), Vector512.Create<float>(piece[Vector512<float>.Count..]));
            maxima = Vector512.MaxNative(maxima, Vector512.MaxNative(first, second));
        }

        _head = new RowHead(maxima, _rate, scratch.LaneMaxima);
        Max = RowPasses.MaxOf(maxima);
        EligibleCount = _list.CountAtOrAbove(float.MinValue);
        _squares = scratch.SampleSquares;
    }

    private static int StartOf(uint piece, ulong stride) => (int)(((piece * stride) + (stride / 2)) >> 32) * PieceLength;

    /// <summary>The largest logit in the sample; nothing in particular if some are NaN.</summary>
    public float Max { get; }

    /// <summary>Items in the sample that are eligible.</summary>
    public int EligibleCount { get; }

    /// <summary>Below this an item weighs nothing.</summary>
    private readonly float Least => (float)(Max - (WeightlessNats * _softmax.Temperature));

    /// <summary>The weight of the sample, items in proportion included that it does not have.</summary>
    private double ExpectedTotal { get; set; }

    /// <inheritdoc cref="RowHead.Threshold"/>
    public readonly float Head => _head.Threshold;

    /// <summary>The standard error of the sample's total, relative to it.</summary>
    public readonly double Uncertainty => Math.Sqrt(_totalSquare + _unseenSquare) / ExpectedTotal;

    /// <summary>A threshold that very likely so many items of the row reach, and not many more. Before <see cref="Weigh"/>.</summary>
    public readonly float ThresholdOf(double items)
    {
        var expected = items * _rate;
        var rank = expected + (2 * Math.Sqrt(expected)) + 1.5;
        if (rank >= EligibleCount)
            return float.MinValue;
        if (_head.TryReach(rank, out var threshold))
            return threshold;
        _list.WeighEqually();
        return PrefixSelection.Select(_list, float.NegativeInfinity, float.PositiveInfinity, rank, Softmax.Ones, _selection).Edge;
    }

    /// <summary>Gives the logits their weights.</summary>
    /// <param name="single">The weights.</param>
    /// <param name="softmax">The same in double precision.</param>
    public void Weigh(in SingleWeights single, in Softmax softmax)
    {
        (_softmax, _total, _knownMass) = (softmax, _list.Weigh(single), 0);
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

        (_totalSquare, _headMass) = (RowPasses.Sum(total), RowPasses.Sum(headMass));
        _head.Fit(softmax, RowPasses.Sum(excess) / softmax.Temperature / count);
        ExpectedTotal = _total + Math.Max(0, _head.Mass - _headMass);
        _unseenSquare = Math.Max(0, _head.Square(count) - RowPasses.Sum(headSquares));
    }

    /// <summary>The share of the row's items that the nucleus of mass p is expected to have.</summary>
    public readonly double ShareOfNucleus(double p)
    {
        var missing = (p * ExpectedTotal) - _head.Mass;
        if (!(missing > 0)) // NaN where the head outweighs all that can be represented
            return 0;
        var rest = _total - _headMass;
        return TryFindThreshold(Head, Least, missing, rest - missing, Divisions - 1, out var last)
            ? ShareAtOrAbove(last) : 1;
    }

    /// <summary>The share of the sample's items at or above a threshold.</summary>
    public readonly double ShareAtOrAbove(float threshold) => (double)_list.CountAtOrAbove(threshold) / _list.Count;

    /// <summary>
    /// A threshold above which a small nucleus of mass p very likely ends: the highest of the head below which the sample has little enough,
    /// beside all but its largest, which alone may outweigh what the row has for it.
    /// </summary>
    /// <param name="p">The mass, in (0, 1).</param>
    public readonly float HeadOf(double p)
    {
        var thresholds = _head.Higher;
        var masses = _list.MassAtOrAbove(thresholds);
        for (var t = 0; t < 4; t++)
        {
            if (_total - masses[t] <= SparedRest * (1 - p) * (_total - _softmax.Weight(Max)))
                return thresholds[t];
        }

        return Head;
    }

    /// <summary>Two thresholds between which the nucleus of mass p very likely ends.</summary>
    /// <param name="p">The mass, in (0, 1).</param>
    public Bracket Bracket(double p) => FindBracket(p, MathF.BitIncrement(Max));

    /// <summary>The same where the row's head is known: only the rest is then estimated.</summary>
    /// <param name="p">The mass, in (0, 1).</param>
    /// <param name="head">All logits at or above this are known, and leave the sample.</param>
    /// <param name="knownMass">Their weight.</param>
    public Bracket Bracket(double p, float head, double knownMass)
    {
        _knownMass = knownMass;
        if (knownMass > 0)
            Leave(head);
        return FindBracket(p, head);
    }

    /// <summary>
    /// By how many times the error of one weight the share of a prefix is off: √(Σ mass²) over the row's different logits, relative to the
    /// total, as far as the sample tells, with all that it lacks as one of them, for weights of one logit err alike, and others apart. An error
    /// above the edge counts 1 − p times, as it moves the total too, and one below p times, as one at the edge, whose ties are weighed exactly.
    /// </summary>
    /// <param name="cut">The end of the prefix.</param>
    /// <param name="p">Its share.</param>
    /// <param name="total">The weight of the row.</param>
    public readonly double Concentration(in PrefixCut cut, double p, double total)
    {
        var above = cut.Mass - (cut.Ties * _softmax.Weight(cut.Edge));
        var sampledAbove = MassAtOrAbove(MathF.BitIncrement(cut.Edge));
        var lackingAbove = (1 - p) * Math.Max(0, above - (sampledAbove / _rate));
        var lackingBelow = p * Math.Max(0, total - above - ((_total - sampledAbove) / _rate));
        var squares = TieMasses.SumOfSquares(_list, cut.Edge, (float)(1 - p), (float)p) / (_rate * _rate);
        return Math.Sqrt(squares + (lackingAbove * lackingAbove) + (lackingBelow * lackingBelow)) / total;
    }

    private Bracket FindBracket(double p, float head)
    {
        var known = _knownMass * _rate;
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
        var above = squaresHigh + _unseenSquare + (inside * (squaresLow - squaresHigh));
        var variance = ((1 - p) * (1 - p) * above) + (p * p * (_totalSquare + _unseenSquare - above));
        var margin = StandardErrors * Math.Sqrt(Math.Max(0, variance));
        while (Refine(ref search, goal + margin, goal - margin, known))
        {
        }

        var bracket = search.Between(goal + margin, goal - margin);
        return new Bracket(bracket.Low == 0 ? float.MinValue : search.Thresholds[bracket.Low], search.Thresholds[bracket.High]);
    }

    /// <summary>
    /// So far below a threshold that the row very likely has a mass between the two, by what the sample has there or by what it
    /// has further below; the least number if there is no telling.
    /// </summary>
    /// <param name="high">The threshold.</param>
    /// <param name="mass">The mass.</param>
    /// <param name="rest">That of all that is below the threshold, which is known.</param>
    public readonly float ThresholdBelow(float high, double mass, double rest) =>
        high > Least && TryFindThreshold(high, Least, mass * _rate, (rest - mass) * _rate, Divisions, out var low) ? low : float.MinValue;

    /// <summary>So far above a threshold that the row very likely has a mass between the two; ∞ if there is no telling.</summary>
    public readonly float ThresholdAbove(float low, double mass) =>
        TryFindThreshold(low, MathF.BitIncrement(Max), mass * _rate, double.NegativeInfinity, Divisions, out var high) ? high : float.PositiveInfinity;

    /// <summary>Of the thresholds from one to a far one, the first so that the sample surely has a mass between, or at most another below.</summary>
    private readonly bool TryFindThreshold(float near, float far, double mass, double below, int divisions, out float threshold)
    {
        var (sample, start, massAtStart) = (_total, near, MassAtOrAbove(near));
        var softmax = _softmax;
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
        double Margin(double sum, float largest) => StandardErrors * Math.Sqrt(Math.Max(0, sum) * softmax.Weight(largest));
    }

    /// <summary>Takes the logits at or above a threshold out of the sample, and those with them that it does not have.</summary>
    private void Leave(float head)
    {
        var heads = Vector512.Create(head);
        var logits = MemoryMarshal.Cast<float, Vector512<float>>(_list.Logits);
        var weights = MemoryMarshal.Cast<float, Vector512<float>>(_list.Weights);
        var squares = MemoryMarshal.Cast<float, Vector512<float>>(_squares);
        Vector512<float> total = default, totalSquare = default;
        for (var i = 0; i < logits.Length; i++)
        {
            var stays = Vector512.LessThan(logits[i], heads);
            total += weights[i] &= stays;
            totalSquare += squares[i] &= stays;
        }

        (_total, _totalSquare) = (RowPasses.Sum(total), RowPasses.Sum(totalSquare));
        (_headMass, _unseenSquare) = (0, 0);
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
