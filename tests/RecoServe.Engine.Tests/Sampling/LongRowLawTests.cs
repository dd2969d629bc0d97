using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>Draws from a long row, a million of them from a large nucleus, against the exact law.</summary>
public sealed class LongRowLawTests
{
    private const int Blocks = 3;
    private const int Cells = 4 * Blocks;

    [Theory]
    [InlineData(1, 20_000)]
    [InlineData(0.9, 100_000)] // ten draws each, block by block
    [InlineData(0.3, 20_000)] // a small one, which is listed
    public void Draws_OfManySeeds_FollowTheExactLaw(double topP, int seeds)
    {
        // A cell: the items of one block of the row and one level of logits.
        var row = Rows.Make("gauss1", 3_000, 5);
        var parameters = new SamplingParameters { TopP = topP };
        var reference = new ReferenceSampler(row, _ => false, parameters);
        var weights = new double[row.Length];
        var law = new double[Cells];
        foreach (var item in reference.Window.Take(reference.NucleusSize))
        {
            weights[item] = reference.Probability(item) / reference.NucleusMass;
            law[CellOf(item)] += weights[item];
        }

        var pairs = new int[Cells * Cells];
        var excess = new double[Cells];
        var variance = new double[Cells];
        var slots = new SlateSlot[10];
        var left = new double[Cells];
        for (ulong seed = 0; seed < (ulong)seeds; seed++)
        {
            _ = NucleusSampler.Sample(row, null, parameters with { Seed = seed * 0x9E3779B97F4A7C15 }, slots);
            pairs[(CellOf(slots[0].Item) * Cells) + CellOf(slots[1].Item)]++;
            law.CopyTo(left, 0);
            var total = 1.0;
            foreach (ref readonly var slot in slots.AsSpan())
            {
                if (!(Math.Abs((weights[slot.Item] / total) - slot.Propensity) <= 1e-6 * slot.Propensity))
                    Assert.Fail($"the propensity {slot.Propensity} of item {slot.Item} is not its share {weights[slot.Item] / total} of what is left");
                var cell = CellOf(slot.Item);
                for (var c = 0; c < Cells; c++)
                {
                    var share = left[c] / total;
                    excess[c] += (c == cell ? 1 : 0) - share;
                    variance[c] += share * (1 - share);
                }

                left[cell] -= weights[slot.Item];
                total -= weights[slot.Item];
            }
        }

        // Of all ten draws of a slate, each cell has its share of what the draws before have left.
        for (var c = 0; c < Cells; c++)
            Assert.Equal(0, excess[c], 4.5 * Math.Sqrt(variance[c]));
        SlateAssert.FollowsLaw(PairLaw(weights, law), pairs.Index().ToDictionary(p => p.Index, p => p.Item));

        int CellOf(int item) => (4 * (item * Blocks / row.Length)) + Math.Clamp((int)Math.Floor(row[item] + 1), 0, 3);

        Dictionary<int, double> PairLaw(double[] weight, double[] byCell)
        {
            var pair = Enumerable.Range(0, Cells * Cells).ToDictionary(i => i, _ => 0.0);
            for (var item = 1; item < weight.Length; item++)
            {
                for (var second = 0; second < Cells; second++)
                {
                    var rest = byCell[second] - (second == CellOf(item) ? weight[item] : 0);
                    pair[(CellOf(item) * Cells) + second] += weight[item] * rest / (1 - weight[item]);
                }
            }

            return pair;
        }
    }
}
