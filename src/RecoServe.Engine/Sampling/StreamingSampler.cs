using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Chooses a slate from a long row without sorting, copying or even listing it.
/// </summary>
/// <remarks>
/// <para>1. A sample of the row gives two thresholds between which the nucleus very likely ends (<see cref="RowSample"/>).
/// Where a few heavy items make the estimate, they are listed first.</para>
/// <para>2. One pass (<see cref="RowScan"/>) sums every weight in single precision, and each block's above the upper threshold,
/// and lists the items between the two, in which the cut is found (<see cref="PrefixSelection"/>).</para>
/// <para>3. If the cut is not between them, the items beyond are listed: the sample can cost time, not correctness.</para>
/// <para>4. Where single precision cannot tell on which side of p the cut lies, the sums are made again in double.</para>
/// <para>5. A small nucleus, and whatever is a matter of ranks, is listed and handed to the <see cref="CandidateSampler"/>; from
/// a large one is drawn block by block (<see cref="BlockDraw"/>).</para>
/// </remarks>
[SkipLocalsInit]
internal ref struct StreamingSampler
{
    /// <summary>Error of a sum in single precision, relative to the whole, that many different weights leave.</summary>
    private const double MassError = 4e-9;

    /// <summary>Error of one weight: that of a sum in which few weights, or few different ones, count.</summary>
    private const double WeightError = 3e-7;

    /// <summary>A sum above this says that the reference was far below the largest logit.</summary>
    private const double MaxTotal = 1e30;

    /// <summary>Nats within which weights need no other reference than 0.</summary>
    private const double ExactReach = 32;

    /// <summary>A sample's uncertainty above which the head of the row is listed first.</summary>
    private const double WideMargin = 0.02;

    /// <summary>A row is peaked if the nucleus of its sample is smaller.</summary>
    private const int PeakedSample = 24;

    /// <summary>Blocks in which the items of a peaked row are looked for first.</summary>
    private const int PeakBlocks = 32;

    /// <summary>That share of a row is its head.</summary>
    private const double HeadShare = 1.0 / 256;

    private const int LeastSample = 256;
    private const int SmallNucleus = 512;

    private readonly SamplingParameters _parameters;
    private readonly RowScratch _scratch;
    private readonly RowSample _sample;
    private RowScan _scan;
    private Softmax _softmax;
    private double _concentration;

    private StreamingSampler(
        in LogitRow row, in SamplingParameters parameters, in RowScratch scratch, in RowSample sample, float reference)
    {
        (_parameters, _scratch) = (parameters, scratch);
        _sample = sample;
        _scan = new RowScan(row, SingleWeights.RelativeTo(reference, parameters.Temperature), scratch);
        _softmax = new Softmax(reference, parameters.Temperature, Total: 0);
    }

    /// <summary>The mass that the nucleus must reach.</summary>
    private readonly double Goal => (_parameters.TopP - NucleusSampler.MassTolerance) * _softmax.Total;

    /// <inheritdoc cref="NucleusSampler.Sample"/>
    public static SlateSummary Sample(in LogitRow row, in SamplingParameters parameters, Span<SlateSlot> slots)
    {
        using var scratch = RowScratch.Rent(row);
        var sample = new RowSample(row, scratch);
        // Distances from 0 are exact.
        var reference = Math.Abs(sample.Max) <= ExactReach * parameters.Temperature ? 0 : sample.Max;
        for (var attempt = 0; attempt < 2 && sample.EligibleCount >= LeastSample; attempt++)
        {
            var sampler = new StreamingSampler(row, parameters, scratch, sample, reference);
            if (sampler.TrySample(slots, out var summary))
                return summary;
            if (!float.IsFinite(sampler._scan.Max) || sampler._scan.Max <= reference)
                break;
            reference = sampler._scan.Max; // the sample was too far below it
        }

        return NucleusSampler.SampleWhole(row, parameters, slots);
    }

    /// <summary>False if the reference was too low, double precision is needed throughout, or a logit is not valid.</summary>
    private bool TrySample(Span<SlateSlot> slots, out SlateSummary summary)
    {
        summary = default;
        if (_parameters.TopK > 0 || _parameters.Strategy == SamplingStrategy.Greedy)
        {
            if (!IsTotal(_scan.Sum<NoThreshold>(default)))
                return false;
            summary = SampleHead(_parameters.TopK > 0 ? _parameters.TopK : slots.Length, known: null, slots);
            return true;
        }

        if (_parameters.Strategy == SamplingStrategy.Full || _parameters.TopP == 1)
        {
            if (!IsTotal(_scan.Sum<OneThreshold>(float.MinValue)))
                return false;
            var all = new PrefixCut(_scan.Count(float.MinValue), _softmax.Total, default, RankKey.Of(float.MinValue, int.MaxValue));
            return TryDraw(all, _scratch.List(), float.MinValue, slots, out summary);
        }

        return TrySampleNucleus(slots, out summary);
    }

    private bool TrySampleNucleus(Span<SlateSlot> slots, out SlateSummary summary)
    {
        summary = default;
        var bracket = _sample.Bracket(_parameters.TopP, _softmax); // 1
        _concentration = bracket.Concentration;
        if (bracket.Margin <= WideMargin)
        {
            if (TrySampleBetween(bracket, slots, out summary))
                return true;
            if (!(_softmax.Total < MaxTotal))
                return false;
        }

        // A few heavy items make the estimate, and the sample has them or has not. Perhaps they are all of the nucleus.
        var head = _sample.ThresholdOf(_scan.Row.Logits.Length * HeadShare);
        if (bracket.Size < PeakedSample)
        {
            _concentration = 1;
            if (!IsTotal(_scan.Sum<NoThreshold>(default)))
                return false;
            if (TrySearch(0, [float.PositiveInfinity, Math.Max(head, _scan.PeakThreshold(PeakBlocks)), head], slots, out summary))
                return true;
        }

        // Else only the rest need be estimated.
        var list = _scratch.List();
        _scan.List(ref list, head, float.PositiveInfinity);
        list.Pad();
        var headMass = RowPasses.Sum<NoThreshold>(list.Padded, _scan.Single, default).Total;
        var squares = RowPasses.Sum<NoThreshold>(list.Padded, _scan.Single.Squared(), default).Total;
        bracket = _sample.Bracket(_parameters.TopP, _softmax, head, headMass);
        _concentration = bracket.Concentration + (squares / (bracket.Total * bracket.Total));
        if (headMass >= _parameters.TopP * bracket.Total)
        {
            if (_softmax.Total == 0 && !IsTotal(_scan.Sum<NoThreshold>(default)))
                return false;
            if (headMass >= Goal)
                return TryFinish(list, Select(list, head, float.PositiveInfinity, Goal), above: 0, mass: 0, float.PositiveInfinity, slots, out summary);
        }

        return TrySampleBetween(bracket, slots, out summary) || TrySearchAll(bracket, slots, out summary);
    }

    /// <summary>Finds the end of the nucleus where it is expected, and draws; false if it is not there.</summary>
    private bool TrySampleBetween(in Bracket bracket, Span<SlateSlot> slots, out SlateSummary summary)
    {
        summary = default;
        var list = _scratch.List();
        if (!IsTotal(_scan.SumAndList(ref list, bracket.Low, bracket.High, out var above))) // 2
            return false;
        var mass = OrderedSum.Of(_scan.Masses);
        var cut = mass < Goal ? Select(list, bracket.Low, bracket.High, Goal - mass) : default;
        return mass < Goal && mass + cut.Mass >= Goal && TryFinish(list, cut, above, mass, bracket.High, slots, out summary);
    }

    /// <summary>Finds the end of the nucleus wherever it is, and draws.</summary>
    private bool TrySearchAll(in Bracket missed, Span<SlateSlot> slots, out SlateSummary summary) // 3
    {
        summary = default;
        if (!(_softmax.Total < MaxTotal))
            return false;
        var peak = Math.Max(missed.High, _scan.PeakThreshold(PeakBlocks));
        return TrySearch(0, [float.PositiveInfinity, peak, missed.High, missed.Low, float.MinValue], slots, out summary);
    }

    /// <summary>Takes the sum of all weights; false if it is none, because of the reference or of an invalid logit.</summary>
    private bool IsTotal(double sum)
    {
        _softmax = _softmax with { Total = sum };
        return sum < MaxTotal;
    }

    /// <summary>Finds the end of the nucleus between two neighbours among thresholds, and draws.</summary>
    /// <param name="mass">The weight of all items at or above the first threshold.</param>
    /// <param name="thresholds">Descending.</param>
    /// <param name="slots">Receives the slate.</param>
    /// <param name="summary">What was sampled.</param>
    private bool TrySearch(double mass, scoped ReadOnlySpan<float> thresholds, Span<SlateSlot> slots, out SlateSummary summary)
    {
        summary = default;
        var list = _scratch.List();
        for (var t = 1; t < thresholds.Length; t++)
        {
            var (low, high) = (thresholds[t], thresholds[t - 1]);
            var above = _scan.List(ref list, low, high);
            var cut = Select(list, low, high, Goal - mass);
            if (mass + cut.Mass >= Goal)
                return TryFinish(list, cut, above, mass, high, slots, out summary);
            mass += cut.Mass;
        }

        return false;
    }

    /// <summary>Makes sure of a cut, and draws.</summary>
    /// <param name="list">The items in which the cut was found.</param>
    /// <param name="cut">The cut in the list.</param>
    /// <param name="above">The number of items at or above the threshold, which are not in the list.</param>
    /// <param name="mass">Their weight.</param>
    /// <param name="first">The threshold.</param>
    /// <param name="slots">Receives the slate.</param>
    /// <param name="summary">What was sampled.</param>
    private bool TryFinish(
        in ItemList list, PrefixCut cut, int above, double mass, float first, Span<SlateSlot> slots, out SlateSummary summary)
    {
        summary = default;
        cut = cut with { Count = above + cut.Count, Mass = mass + cut.Mass, MassBefore = mass + cut.MassBefore };
        var edge = RankKey.LogitOf(cut.Last);
        var tieShare = list.Logits.Count(edge) * _softmax.Probability(edge);
        var error = _softmax.Total * (MassError + (WeightError * (Math.Sqrt(_concentration) + Math.Sqrt(tieShare))));
        var inDoubt = cut.Mass < Goal + error || (cut.Count > 1 && cut.MassBefore > Goal - error);
        if (inDoubt && !TryCutExactly(list, first, above, ref cut)) // 4
            return false;
        return TryDraw(cut, list, first, slots, out summary);
    }

    private readonly PrefixCut Select(in ItemList list, float low, float high, double goal) =>
        list.Count == 0 ? default : PrefixSelection.Select(list, low, high, goal, _scan.Single, _softmax, _scratch.Selection());

    /// <summary>Makes all sums again in double precision, and the cut in the list.</summary>
    private bool TryCutExactly(in ItemList list, float threshold, int above, ref PrefixCut cut)
    {
        (var total, var mass) = _scan.SumExactly(threshold, _softmax);
        _softmax = _softmax with { Total = total };
        var goal = Goal - mass;
        if (goal <= 0)
            return false;
        if (TensorPrimitives.Min<float>(list.Logits) is var tie && tie == TensorPrimitives.Max<float>(list.Logits))
        {
            // The weight of a tie is exact, so that nothing need be summed.
            cut = Select(list, tie, MathF.BitIncrement(tie), goal);
            cut = new PrefixCut(above + cut.Count, mass + cut.Mass, default, cut.Last);
            return cut.Mass >= Goal;
        }

        using var scratch = SamplerScratch.Rent(list.Count, 0);
        var candidates = CandidatesOf(list, scratch);
        if (goal > OrderedSum.Of(candidates.Weights))
            return false;
        var prefix = RankSelection.Select(candidates, candidates.Count, goal, scratch.Positions);
        var inside = OrderedSum.Of(candidates.Retain(prefix.Last).Weights);
        cut = new PrefixCut(above + prefix.Count, mass + inside, default, prefix.Last);
        return true;
    }

    /// <summary>Draws from a nucleus that is known.</summary>
    /// <param name="cut">The nucleus.</param>
    /// <param name="list">Its items below a threshold, and others.</param>
    /// <param name="first">The threshold.</param>
    /// <param name="slots">Receives the slate.</param>
    /// <param name="summary">What was sampled.</param>
    private bool TryDraw(in PrefixCut cut, in ItemList list, float first, Span<SlateSlot> slots, out SlateSummary summary)
    {
        var known = new RankedPrefix(cut.Count, cut.Last);
        if (slots.Length > cut.Count)
        {
            summary = SampleHead(slots.Length, known, slots);
            return true;
        }

        if (cut.Count <= SmallNucleus)
        {
            var nucleus = _scratch.List();
            _scan.List(ref nucleus, RankKey.LogitOf(cut.Last), float.PositiveInfinity, RankKey.ItemOf(cut.Last));
            summary = SampleList(nucleus, known, slots);
            return true;
        }

        _scan.SetMasses(first);
        _scan.AddToMasses(list, cut.Last);
        summary = new SlateSummary(slots.Length, cut.Count, Math.Min(1, cut.Mass / _softmax.Total));
        return new BlockDraw(_scan.Row, _scan.Single, _softmax, cut.Last, _scan.Masses).TryFill(_parameters.Seed, slots);
    }

    /// <summary>Samples from the most probable items, of which at least <paramref name="count"/> are listed.</summary>
    private readonly SlateSummary SampleHead(int count, RankedPrefix? known, Span<SlateSlot> slots)
    {
        var list = _scratch.List();
        for (double wanted = count; ; wanted = 4 * (wanted + 1))
        {
            var threshold = _sample.ThresholdOf(wanted);
            _scan.List(ref list, threshold, float.PositiveInfinity);
            if (list.Count >= count || threshold == float.MinValue)
                return SampleList(list, known, slots);
        }
    }

    private readonly SlateSummary SampleList(in ItemList list, RankedPrefix? known, Span<SlateSlot> slots)
    {
        using var scratch = SamplerScratch.Rent(list.Count, slots.Length);
        return CandidateSampler.Sample(CandidatesOf(list, scratch), _softmax, _parameters, known, slots, scratch);
    }

    private readonly Candidates CandidatesOf(in ItemList list, in SamplerScratch scratch)
    {
        list.Items.CopyTo(scratch.Items);
        list.Logits.CopyTo(scratch.Logits);
        return Candidates.Of(list.Count, _softmax.Reference, _softmax.Temperature, scratch);
    }
}
