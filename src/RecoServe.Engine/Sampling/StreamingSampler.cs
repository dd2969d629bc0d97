using System.Runtime.CompilerServices;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Chooses a slate from a long row without sorting, copying or even listing it.
/// </summary>
/// <remarks>
/// <para>1. A sample of the row gives two thresholds between which the nucleus very likely ends (<see cref="RowSample"/>).
/// Where a few heavy items make the estimate, and the sample has them or has not, they are listed first; where the nucleus is
/// small, it is looked for from the top downwards.</para>
/// <para>2. One pass (<see cref="RowScan"/>) sums every weight in single precision, and each block's above the upper threshold,
/// and lists the logits between the two, in which the cut is found (<see cref="PrefixSelection"/>).</para>
/// <para>3. If the cut is not between them, the pass is made again next to them, and at last everything is searched: the sample
/// can cost time, not correctness.</para>
/// <para>4. Where single precision cannot tell on which side of p the cut lies, the sums are made again in double: of a small nucleus, or of the row.</para>
/// <para>5. The slate is chosen from the section of the ranking that the cut lies in (<see cref="SectionSampler"/>).</para>
/// </remarks>
[SkipLocalsInit]
internal ref struct StreamingSampler
{
    /// <summary>Error of a sum in single precision, relative to the whole, that many different weights leave.</summary>
    private const double MassError = 3e-9;

    /// <summary>Error of one weight: that of a sum in which few weights, or few different ones, count.</summary>
    private const double WeightError = 1.5e-7;

    /// <summary>The head is listed first where the sample knows the total no better.</summary>
    private const double MostUncertain = 0.15;

    /// <summary>A nucleus is listed if it is expected to be no larger a share of the row, once its total is known.</summary>
    private const double FewShare = 0.2;

    /// <summary>Where fewer items than wanted were found, so many times as many are looked for.</summary>
    private const int FurtherDown = 4;

    /// <summary>Blocks in which items that the sample has missed are looked for first.</summary>
    private const int PeakBlocks = 16;

    private const int LeastSample = 256;

    private readonly SamplingParameters _parameters;
    private readonly RowScratch _scratch;
    private RowSample _sample;
    private RowScan _scan;
    private Softmax _softmax;
    private double _worstError;
    private double _meanError;
    private double _restMass;

    private StreamingSampler(in LogitRow row, in SamplingParameters parameters, RowScratch scratch)
    {
        (_parameters, _scratch) = (parameters, scratch);
        _scan = new RowScan(row, scratch);
    }

    /// <summary>The mass that the nucleus must reach.</summary>
    private readonly double Goal => (_parameters.TopP - NucleusSampler.MassTolerance) * _softmax.Total;

    private readonly bool IsNucleus => _parameters is { Strategy: SamplingStrategy.Nucleus, TopK: 0, TopP: < 1 };

    private readonly SectionSampler Sections => new(_scratch, _parameters, _softmax);

    /// <inheritdoc cref="NucleusSampler.Sample"/>
    public static SlateSummary Sample(in LogitRow row, in SamplingParameters parameters, Span<SlateSlot> slots)
    {
        using var scratch = RowScratch.Rent(row);
        var sampler = new StreamingSampler(row, parameters, scratch);
        return sampler.TrySample(slots, out var summary) ? summary : NucleusSampler.SampleWhole(row, parameters, slots);
    }

    /// <summary>False if double precision is needed throughout, or a logit is not valid.</summary>
    private bool TrySample(Span<SlateSlot> slots, out SlateSummary summary)
    {
        summary = default;
        _sample = new RowSample(_scan.Row, _scratch);
        var largest = _sample.Max;
        for (var attempt = 0; attempt < 2 && _sample.EligibleCount >= LeastSample && TryRelateTo(largest); attempt++)
        {
            if (IsNucleus ? TrySampleNucleus(slots, out summary) : TrySampleOtherwise(slots, out summary))
                return true;
            if (!(_scan.Max > largest))
                break;
            largest = _scan.Max; // which the sample did not have
        }

        return false;
    }

    /// <summary>Makes the weights relative to a logit.</summary>
    private bool TryRelateTo(float logit)
    {
        if (!SingleWeights.Supports(logit, _parameters.Temperature))
            return false;
        _scan.Single = SingleWeights.RelativeTo(logit, _parameters.Temperature);
        _softmax = new Softmax(_scan.Single.Reference, _parameters.Temperature, Total: 0);
        return true;
    }

    private bool TrySampleOtherwise(Span<SlateSlot> slots, out SlateSummary summary)
    {
        summary = default;
        if (_parameters.TopK > 0 || _parameters.Strategy == SamplingStrategy.Greedy)
        {
            var count = _parameters.TopK > 0 ? _parameters.TopK : slots.Length;
            if (count == 0 || !TryListTop(count, out var few))
                return false;
            summary = Sections.SampleRanks(_scan, few, count, known: null, slots);
            return true;
        }

        var list = _scratch.List();
        if (!TrySetTotal(_scan.SumAndList(ref list, float.MinValue, float.MinValue, out var eligible)))
            return false;
        var all = new PrefixCut(eligible, _softmax.Total, float.MinValue, Ties: 1, AllTies: 1);
        return Sections.TryDraw(ref _scan, all, new RankSection(list, float.MinValue, float.MinValue, eligible, _softmax.Total), slots, out summary);
    }

    private bool TrySampleNucleus(Span<SlateSlot> slots, out SlateSummary summary)
    {
        _sample.Weigh(_scan.Single, _softmax); // 1
        var p = _parameters.TopP;
        Bracket bracket;
        if (_sample.Uncertainty < MostUncertain)
        {
            bracket = _sample.Bracket(p);
        }
        else if (_sample.ShareOfNucleus(p) < FewShare)
        {
            return TrySampleDown(_sample.HeadOf(p), slots, out summary);
        }
        else
        {
            // A few heavy items make the estimate, and the sample has them or has not: only the rest need be estimated.
            var items = _scratch.Few();
            _scan.ListFew(ref items, _sample.Head);
            var list = _scratch.List();
            _ = list.Extend(items.Count); // the same memory
            var mass = list.Weigh(_scan.Single);
            bracket = _sample.Bracket(p, _sample.Head, mass);
            if (bracket.High >= _sample.Head)
                return TrySampleDown(_sample.Head, slots, out summary);
        }

        return TrySampleBetween(bracket, slots, out summary) || TrySearchAll(bracket, slots, out summary);
    }

    /// <summary>Looks for the end of a small nucleus from the top downwards: among the few heaviest items, then below; if it is not small after all, where it is then expected.</summary>
    private bool TrySampleDown(float high, Span<SlateSlot> slots, out SlateSummary summary)
    {
        summary = default;
        if (!TryListFew(high, out var few, out var mass))
            return false;
        var list = few.List;
        if (TrySampleIn(few, slots, out summary))
            return true;

        _scan.SetMasses(list, high);
        SetMassError(high, mass);
        var low = _sample.ThresholdBelow(high, Goal - mass, _softmax.Total - mass);
        if (_sample.ShareAtOrAbove(low) >= FewShare)
        {
            var bracket = _sample.Bracket(_parameters.TopP, high, mass);
            return TrySampleBetween(bracket, slots, out summary) || TrySearchAll(bracket, slots, out summary);
        }

        var above = list.Count;
        _scan.List(ref list, low, high);
        list.Weigh(_scan.Single);
        return TrySampleIn(new RankSection(list, low, high, above, mass), slots, out summary)
            || TrySearchAll(new Bracket(low, high), slots, out summary);
    }

    /// <summary>Lists so many of the most probable items and some more, or all; false if weights have no sum.</summary>
    private bool TryListTop(int count, out RankSection few)
    {
        for (var expected = (double)count; ; expected *= FurtherDown)
        {
            if (!TryListFew(_sample.ThresholdOf(expected), out few, out _))
                return false;
            if (few.List.Count >= count || few.Low == float.MinValue)
                return true;
        }
    }

    /// <summary>Lists the few items at or above a threshold, and takes the sum of all weights; false if it is none.</summary>
    private bool TryListFew(float threshold, out RankSection few, out double mass)
    {
        var list = _scratch.List();
        var items = _scratch.Few();
        _restMass = _scan.SumAndListFew(ref items, threshold);
        _ = list.Extend(items.Count); // the same memory
        mass = list.Weigh(_scan.Single);
        few = new RankSection(list, threshold, float.PositiveInfinity, above: 0, mass: 0, items.Items);
        (_worstError, _meanError) = (MassError + WeightError, double.PositiveInfinity);
        return TrySetTotal(_restMass + mass);
    }

    /// <summary>Finds the end of the nucleus where it is expected, or next to that, and draws; false if it is not there.</summary>
    private bool TrySampleBetween(Bracket bracket, Span<SlateSlot> slots, out SlateSummary summary)
    {
        summary = default;
        var list = _scratch.List();
        for (var attempt = 0; attempt < 2; attempt++)
        {
            if (!TrySetTotal(_scan.SumAndList(ref list, bracket.Low, bracket.High, out var above))) // 2
                return false;
            var (mass, inside) = (OrderedSum.Of(_scan.Masses), list.Weigh(_scan.Single));
            SetMassError(bracket.High, mass);
            if (TrySampleIn(new RankSection(list, bracket.Low, bracket.High, above, mass), slots, out summary))
                return true;
            if (mass >= Goal)
                bracket = new Bracket(bracket.High, _sample.ThresholdAbove(bracket.High, mass - Goal));
            else
                bracket = new Bracket(_sample.ThresholdBelow(bracket.Low, Goal - mass - inside, _softmax.Total - mass - inside), bracket.Low);
            if (float.IsPositiveInfinity(bracket.High) || bracket.Low >= bracket.High)
                return false;
        }

        return false;
    }

    /// <summary>
    /// The error that sums in single precision leave in the mass of a nucleus, relative to the total: what is above a threshold
    /// counts alike in both. At worst all weights in it err one way, and all others the other way; if they err apart, the error of many
    /// is that of one times √(Σ w²), and Σ w² at most Σ w times the largest.
    /// </summary>
    /// <param name="high">The threshold.</param>
    /// <param name="above">The mass at or above it.</param>
    private void SetMassError(float high, double above)
    {
        var (p, total) = (_parameters.TopP, _softmax.Total);
        var errorAbove = WeightError * Math.Sqrt(_softmax.Weight(_scan.Max) / total);
        var errorBelow = WeightError * Math.Sqrt(_softmax.Weight(high) * Math.Max(0, total - above)) / total;
        (_worstError, _meanError) = (MassError + (2 * p * (1 - p) * WeightError), ((1 - p) * (MassError + errorAbove)) + errorBelow);
    }

    /// <summary>Finds the end of the nucleus wherever it is, and draws.</summary>
    private bool TrySearchAll(in Bracket missed, Span<SlateSlot> slots, out SlateSummary summary) // 3
    {
        summary = default;
        if (!TrySetTotal(_softmax.Total))
            return false;
        (_worstError, _meanError) = (MassError + WeightError, double.PositiveInfinity);
        var peak = Math.Max(missed.High, _scan.PeakThreshold(PeakBlocks));
        return TrySearch([float.PositiveInfinity, peak, missed.High, missed.Low, float.MinValue], slots, out summary);
    }

    /// <summary>Takes the sum of all weights; false if it is none, because of the reference or of an invalid logit.</summary>
    private bool TrySetTotal(double sum)
    {
        _softmax = _softmax with { Total = sum };
        return double.IsFinite(sum) && _scan.Single.Covers(_scan.Max);
    }

    /// <summary>Finds the end of the nucleus between two neighbours among thresholds, and draws.</summary>
    /// <param name="thresholds">Descending.</param>
    /// <param name="slots">Receives the slate.</param>
    /// <param name="summary">What was sampled.</param>
    private bool TrySearch(scoped ReadOnlySpan<float> thresholds, Span<SlateSlot> slots, out SlateSummary summary)
    {
        summary = default;
        var list = _scratch.List();
        var (above, mass) = (0, 0.0);
        for (var t = 1; t < thresholds.Length; t++)
        {
            var (low, high) = (thresholds[t], thresholds[t - 1]);
            if (low >= high)
                continue;
            _scan.List(ref list, low, high);
            var massInside = list.Weigh(_scan.Single);
            if (TrySampleIn(new RankSection(list, low, high, above, mass), slots, out summary))
                return true;
            above += list.Count;
            mass += massInside;
        }

        return false;
    }

    /// <summary>Cuts the nucleus where it ends, and draws; false if it does not end in a section.</summary>
    private bool TrySampleIn(in RankSection section, Span<SlateSlot> slots, out SlateSummary summary)
    {
        summary = default;
        if (section.List.Count == 0 || section.Mass >= Goal)
            return false;
        var cut = PrefixSelection.Select(section.List, section.Low, section.High, Goal - section.Mass, _softmax, _scratch.Selection());
        cut = cut with { Count = section.Above + cut.Count, Mass = section.Mass + cut.Mass };
        return cut.Mass >= Goal && (IsCertain(section, cut) || TryCutByFew(section, ref cut) || TryCutExactly(section.List, ref cut)) // 4
            && Sections.TryDraw(ref _scan, cut, section, slots, out summary);
    }

    /// <summary>Whether sums in single precision tell where a cut is: at worst, or as far as weights err apart, which the sample tells.</summary>
    /// <remarks>The total is of single precision throughout; the last items of the nucleus, or the ties at its edge, are not.</remarks>
    private readonly bool IsCertain(in RankSection section, in PrefixCut cut)
    {
        var tieShare = cut.AllTies * _softmax.Weight(cut.Edge) / _softmax.Total;
        var lastShare = PrefixSelection.FewItems * _softmax.Weight(Math.Min(section.High, _scan.Max)) / _softmax.Total;
        return !IsInDoubt(cut, _worstError + (WeightError * Math.Max(tieShare, lastShare)))
            || !IsInDoubt(cut, _meanError + (WeightError * _sample.Concentration(cut, _parameters.TopP, _softmax.Total)));
    }

    /// <summary>Whether an error, relative to the total, may have moved a cut.</summary>
    private readonly bool IsInDoubt(in PrefixCut cut, double error)
    {
        error *= _softmax.Total;
        return cut.Mass < Goal + error || (cut.Count > 1 && cut.Mass - _softmax.Weight(cut.Edge) > Goal - error);
    }

    /// <summary>
    /// Makes the sum of the few in double precision, and moves a cut to where it belongs by it; false if they are not what the ranking begins
    /// with, or if the rest, summed in single precision, leaves a doubt.
    /// </summary>
    private bool TryCutByFew(in RankSection section, ref PrefixCut cut)
    {
        if (section.Items.IsEmpty)
            return false;
        var (single, moved) = (_softmax, cut);
        var (total, mass) = section.List.SumExactly(MathF.BitIncrement(cut.Edge), _softmax);
        _softmax = _softmax with { Total = _restMass + total };
        var weight = _softmax.Weight(section.Low);
        var summed = _restMass + (section.List.Count * weight); // with each of the few as if it stood at the threshold
        var error = (MassError + WeightError) * summed / _softmax.Total;
        if (PrefixSelection.TryMove(section.List, mass, Goal, _softmax, ref moved) && !IsInDoubt(moved, error))
        {
            cut = moved;
            return true;
        }

        _softmax = single;
        return false;
    }

    /// <summary>Makes the sums again in double precision, and moves a cut to where it belongs by them; false if that is not near.</summary>
    private bool TryCutExactly(in LogitList list, ref PrefixCut cut)
    {
        var single = _softmax;
        (var total, var mass) = _scan.SumExactly(MathF.BitIncrement(cut.Edge), _softmax);
        _softmax = _softmax with { Total = total };
        if (PrefixSelection.TryMove(list, mass, Goal, _softmax, ref cut))
            return true;
        _softmax = single; // which the masses of other sections go with
        return false;
    }
}
