using System.Diagnostics;
using System.Numerics.Tensors;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Finds where the ranking of a list must be cut for a mass, without sorting it: a quickselect into five parts (Hoare 1961),
/// each round of which is one pass for the masses of the parts and one for the part that holds the cut. What remains in the end
/// is sorted and weighed in double precision.
/// </summary>
internal static class PrefixSelection
{
    /// <summary>So many last items are weighed in double precision.</summary>
    public const int FewItems = 32;

    private const int PivotSample = 15;

    /// <summary>Logits that a cut is moved by, at most.</summary>
    private const int MostSteps = 64;

    /// <summary>The smallest prefix of the ranking that has a mass; all if they have less.</summary>
    /// <param name="source">At least one logit; weighed. It is not changed.</param>
    /// <param name="low">At most the least logit, and above −∞ except where some are −∞.</param>
    /// <param name="high">Above the largest logit.</param>
    /// <param name="goal">The mass, above 0, in units of the weights.</param>
    /// <param name="exact">The same weights in double precision, for the last few items.</param>
    /// <param name="scratch">Memory for as many logits.</param>
    public static PrefixCut Select(in LogitList source, float low, float high, double goal, in Softmax exact, LogitList scratch)
    {
        Debug.Assert(source.Count > 0 && goal > 0, "there is something to select from, and something to select");
        var part = source;
        var cut = default(PrefixCut);
        var (unevenly, stuck) = (!float.IsFinite(low) || !float.IsFinite(high), false);
        for (var round = 0; part.Count > FewItems; round++)
        {
            // Logits between two near thresholds are spread evenly; where they are not, pivots are taken among them.
            var pivots = Divide(low, high);
            stuck |= pivots[0] <= low;
            if (stuck || unevenly)
            {
                var least = stuck ? TensorPrimitives.Min<float>(part.Logits) : float.NegativeInfinity;
                if (stuck && least == TensorPrimitives.Max<float>(part.Logits))
                    return CutTies(part, cut, goal, exact);
                pivots = Pivots(part.Logits, least, round);
            }

            var masses = part.MassAtOrAbove(pivots);
            var first = 3;
            while (first >= 0 && cut.Mass + masses[first] < goal)
                first--;
            (low, high) = (first >= 0 ? pivots[first] : Math.Max(low, float.MinValue), first < 3 ? pivots[first + 1] : high);
            cut.Mass += first < 3 ? masses[first + 1] : 0;
            var before = part.Count;
            cut.Count += scratch.Take(part, low, high);
            part = scratch;
            (unevenly, stuck) = (part.Count > before / 2, part.Count == before);
        }

        return CutFew(part, cut, goal, exact);
    }

    /// <summary>Moves a cut to where it belongs by a better sum; false if that is not near, or not in the list.</summary>
    /// <param name="list">The logits about it.</param>
    /// <param name="mass">The weight of all items above its edge.</param>
    /// <param name="goal">The mass that the prefix must have.</param>
    /// <param name="exact">The weights.</param>
    /// <param name="cut">The cut.</param>
    public static bool TryMove(in LogitList list, double mass, double goal, in Softmax exact, ref PrefixCut cut)
    {
        var (edge, ties, count) = (cut.Edge, cut.AllTies, cut.Count - cut.Ties);
        for (var step = 0; step < MostSteps && float.IsFinite(edge); step++)
        {
            var weight = exact.Weight(edge);
            if (mass >= goal && count > 0)
            {
                edge = list.LeastAbove(edge);
                if (float.IsPositiveInfinity(edge))
                    return false;
                ties = list.CountOf(edge);
                count -= ties;
                mass -= ties * exact.Weight(edge);
            }
            else if (mass + (ties * weight) < goal)
            {
                count += ties;
                mass += ties * weight;
                edge = list.LargestBelow(edge);
                ties = list.CountOf(edge);
            }
            else
            {
                var needed = (int)Math.Clamp(Math.Ceiling((goal - mass) / weight), 1, ties);
                cut = new PrefixCut(count + needed, mass + (needed * weight), edge, needed, ties);
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Four ascending thresholds: order statistics of a few logits. Above the least, so that at least one item is in another
    /// part than the others; and where two are the same, the next number stands above, so that the ties are a part.
    /// </summary>
    public static Four<float> Pivots(ReadOnlySpan<float> logits, float least, int round)
    {
        Span<float> sample = stackalloc float[PivotSample];
        var stride = logits.Length / PivotSample;
        for (var i = 0; i < PivotSample; i++)
            sample[i] = logits[(i * stride) + (round * 7 % stride)];
        sample.Sort();
        var pivots = default(Four<float>);
        for (var p = 0; p < 4; p++)
        {
            var below = p == 0 ? least : pivots[p - 1];
            pivots[p] = Math.Max(sample[2 + (3 * p)], MathF.BitIncrement(below));
        }

        return pivots;
    }

    /// <summary>Four thresholds that divide an interval into five equal parts, from one end of it to the other.</summary>
    public static Four<float> Divide(float low, float high)
    {
        var pivots = default(Four<float>);
        for (var p = 0; p < 4; p++)
            pivots[p] = (float)(low + (((double)high - low) * (p + 1) / 5));
        return pivots;
    }

    private static PrefixCut CutTies(in LogitList ties, PrefixCut cut, double goal, in Softmax exact)
    {
        var weight = exact.Weight(ties.Logits[0]);
        var needed = (int)Math.Clamp(Math.Ceiling((goal - cut.Mass) / weight), 1, ties.Count);
        return new PrefixCut(cut.Count + needed, cut.Mass + (needed * weight), ties.Logits[0], needed, ties.Count);
    }

    private static PrefixCut CutFew(in LogitList few, PrefixCut cut, double goal, in Softmax exact)
    {
        Span<float> logits = stackalloc float[FewItems];
        Span<double> weights = stackalloc double[FewItems];
        logits = logits[..few.Count];
        few.Logits.CopyTo(logits);
        logits.Sort();
        logits.Reverse();
        logits = logits.TrimEnd(float.NegativeInfinity);
        if (logits.IsEmpty) // all have less than the goal
            return cut;
        Softmax.Weigh(logits, exact.Reference, exact.Temperature, weights);
        var last = 0;
        for (cut.Mass += weights[0]; cut.Mass < goal && last < logits.Length - 1; cut.Mass += weights[last])
            last++;
        var (edge, firstTie, lastTie) = (logits[last], last, last);
        while (firstTie > 0 && logits[firstTie - 1] == edge)
            firstTie--;
        while (lastTie < logits.Length - 1 && logits[lastTie + 1] == edge)
            lastTie++;
        return new PrefixCut(cut.Count + last + 1, cut.Mass, edge, last - firstTie + 1, lastTie - firstTie + 1);
    }
}
