using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>
/// Judges a slate of a long row by the contract. Where the outcome of a draw depends on the last digits of sums, a slate need
/// not be the one of <see cref="ReferenceSampler"/>: of each draw it is checked that the uniform number falls on the item.
/// </summary>
internal sealed class SlateOracle
{
    /// <summary>How good propensities are; probabilities are better.</summary>
    private const double SingleError = 1e-6;

    /// <summary>How well two sums in double precision agree; well below <see cref="NucleusSampler.MassTolerance"/>.</summary>
    private const double SumError = 1e-13;

    private readonly float[] _row;
    private readonly SamplingParameters _parameters;
    private readonly ReferenceSampler _reference;

    public SlateOracle(float[] row, ItemMask? mask, SamplingParameters parameters)
    {
        (_row, _parameters) = (row, parameters);
        _reference = new ReferenceSampler(row, i => mask?.IsExcluded(i) ?? false, parameters);
    }

    public void Check(SlateSlot[] slots, SlateSummary summary, int slotCount)
    {
        var window = _reference.Window;
        Assert.Equal(Math.Min(slotCount, window.Length), summary.Count);
        Assert.Equal(summary.Count, slots.Length);
        CheckNucleus(summary);
        var drawn = _parameters.Strategy == SamplingStrategy.Greedy ? 0 : Math.Min(summary.NucleusSize, slots.Length);
        CheckDraws(slots.AsSpan(0, drawn), window.AsSpan(0, summary.NucleusSize));
        for (var slot = drawn; slot < slots.Length; slot++)
        {
            Assert.Equal(window[slot], slots[slot].Item);
            Assert.Equal((1.0, _parameters.Strategy != SamplingStrategy.Greedy), (slots[slot].Propensity, slots[slot].GreedyFill));
        }

        foreach (var slot in slots)
        {
            Assert.Equal(_row[slot.Item], slot.Logit);
            Close(_reference.Probability(slot.Item), slot.Probability);
        }
    }

    /// <summary>The size is exact: the mass reaches p, and without the last item it does not.</summary>
    private void CheckNucleus(SlateSummary summary)
    {
        var window = _reference.Window;
        var size = _parameters.Strategy == SamplingStrategy.Greedy ? summary.Count : _reference.NucleusSize;
        if (summary.NucleusSize != size)
        {
            Assert.InRange(summary.NucleusSize, 1, window.Length);
            var goal = (_parameters.TopP - NucleusSampler.MassTolerance) * MassOf(window);
            Assert.True(
                MassOf(window.AsSpan(0, summary.NucleusSize)) >= goal - SumError && MassOf(window.AsSpan(0, summary.NucleusSize - 1)) < goal + SumError,
                $"the nucleus has {size} items, not {summary.NucleusSize}");
        }

        Close(MassOf(window.AsSpan(0, summary.NucleusSize)), summary.NucleusMass);
    }

    private void CheckDraws(ReadOnlySpan<SlateSlot> slots, ReadOnlySpan<int> nucleus)
    {
        var items = nucleus.ToArray();
        Array.Sort(items);
        var weights = new double[items.Length];
        Weigh(items, weights);
        for (var slot = 0; slot < slots.Length; slot++)
        {
            double total = weights.Sum(), before = 0;
            if (total < 1e-100)
            {
                Weigh(items, weights);
                total = weights.Sum();
            }

            var position = Array.BinarySearch(items, slots[slot].Item);
            Assert.True(position >= 0, $"item {slots[slot].Item} of slot {slot} is not in the nucleus");
            Assert.True(weights[position] >= 0, $"item {slots[slot].Item} of slot {slot} has been drawn before");
            foreach (var weight in weights.AsSpan(0, position))
                before += weight;
            var uniform = CounterRandom.Uniform(_parameters.Seed, slot) * total;
            Assert.InRange(uniform, before - (SingleError * total), before + weights[position] + (SingleError * total));
            Assert.False(slots[slot].GreedyFill);
            Assert.InRange(slots[slot].Propensity, double.Epsilon, 1);
            Close(weights[position] / total, slots[slot].Propensity);
            items.AsSpan(position + 1).CopyTo(items.AsSpan(position));
            weights.AsSpan(position + 1).CopyTo(weights.AsSpan(position));
            Array.Resize(ref items, items.Length - 1);
            Array.Resize(ref weights, weights.Length - 1);
        }
    }

    /// <summary>Weights relative to the largest of these items.</summary>
    private void Weigh(int[] items, double[] weights)
    {
        var max = items.Length == 0 ? 0 : items.Max(i => _row[i]);
        for (var i = 0; i < items.Length; i++)
            weights[i] = Math.Exp(((double)_row[items[i]] - max) / _parameters.Temperature);
    }

    private double MassOf(ReadOnlySpan<int> items)
    {
        var mass = default(CompensatedSum);
        foreach (var item in items)
            mass.Add(_reference.Probability(item));
        return mass.Value;
    }

    private static void Close(double expected, double actual)
    {
        if (Math.Abs(expected - actual) > 1e-300)
            SlateAssert.EqualRelative(expected, actual, SingleError);
    }
}
