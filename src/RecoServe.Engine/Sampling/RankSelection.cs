using System.Diagnostics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Finds where a ranking must be cut without sorting it: a radix selection over the 32 bits of the logit, most significant
/// digit first, that knows of each digit how many candidates it holds and their weight. Four passes at most, each over the
/// candidates that share the digits before. What remains is few candidates, which are sorted, or many ties of one logit,
/// which are cut by index.
/// </summary>
internal static class RankSelection
{
    private const int DigitBits = 8;
    private const int Digits = 1 << DigitBits;
    private const int BlockLength = 1024;
    private const int FewCandidates = 128;

    /// <summary>
    /// The smallest prefix of the ranking (<see cref="RankKey"/>) of <paramref name="count"/> items or of weight
    /// <paramref name="mass"/>, whichever is shorter; never empty, and all candidates if neither is reached.
    /// </summary>
    /// <param name="candidates">At least one; they are not moved.</param>
    /// <param name="count">1 or more.</param>
    /// <param name="mass">In the unit of the weights; +∞ = cut by count alone.</param>
    /// <param name="positions">Scratch, as long as there are candidates.</param>
    public static RankedPrefix Select(in Candidates candidates, int count, double mass, Span<int> positions)
    {
        Debug.Assert(candidates.Count > 0 && count > 0, "there is something to select from, and something to select");
        var goal = new Goal(count, mass);
        Span<Bin> bins = stackalloc Bin[Digits];
        var above = default(Bin);
        var tied = positions[..candidates.Count];
        for (var i = 0; i < tied.Length; i++)
            tied[i] = i;
        for (var shift = 32 - DigitBits; shift >= 0 && tied.Length > FewCandidates; shift -= DigitBits)
        {
            Fill(bins, candidates.Logits, candidates.Weights, tied, shift);
            var digit = Cut(bins, ref above, goal);
            if (bins[digit].Count < tied.Length)
                tied = Narrow(tied, candidates.Logits, shift, digit);
        }

        return tied.Length <= FewCandidates ? CutFew(candidates, tied, above, goal) : CutTies(candidates, tied, above, goal);
    }

    /// <summary>Count and weight of each digit's candidates.</summary>
    private static void Fill(
        Span<Bin> bins, ReadOnlySpan<float> logits, ReadOnlySpan<double> weights, ReadOnlySpan<int> positions, int shift)
    {
        bins.Clear();
        Span<double> sums = stackalloc double[Digits];
        for (; !positions.IsEmpty; positions = positions[Math.Min(BlockLength, positions.Length)..])
        {
            // Plain sums inside a block: most items fall into few bins, and compensated additions in a row are slow.
            sums.Clear();
            foreach (var i in positions[..Math.Min(BlockLength, positions.Length)])
            {
                var digit = Digit(logits[i], shift);
                bins[digit].Count++;
                sums[digit] += weights[i];
            }

            for (var digit = 0; digit < Digits; digit++)
                bins[digit].Mass.Add(sums[digit]);
        }
    }

    /// <summary>The digit in which the goal is reached, or the last digit in use; the digits before it are added to what is above.</summary>
    private static int Cut(ReadOnlySpan<Bin> bins, ref Bin above, Goal goal)
    {
        // Rounding may leave the total of all bins short of the goal: the last bin in use is then the answer.
        var last = bins.Length - 1;
        while (bins[last].Count == 0)
            last--;
        for (var digit = 0; digit < last; digit++)
        {
            if (bins[digit].Count == 0)
                continue;
            var through = above;
            through.Add(bins[digit].Count, bins[digit].Mass.Value);
            if (goal.IsReached(through))
                return digit;
            above = through;
        }

        return last;
    }

    private static Span<int> Narrow(Span<int> positions, ReadOnlySpan<float> logits, int shift, int digit)
    {
        var count = 0;
        foreach (var i in positions)
        {
            positions[count] = i;
            count += Digit(logits[i], shift) == digit ? 1 : 0;
        }

        return positions[..count];
    }

    private static RankedPrefix CutFew(in Candidates candidates, ReadOnlySpan<int> few, Bin above, Goal goal)
    {
        // Positions are in index order, so that they break ties as items do.
        Span<ulong> keys = stackalloc ulong[FewCandidates];
        keys = keys[..few.Length];
        for (var i = 0; i < few.Length; i++)
            keys[i] = RankKey.Of(candidates.Logits[few[i]], few[i]);
        keys.Sort();
        var last = 0;
        foreach (var key in keys)
        {
            last = RankKey.ItemOf(key);
            above.Add(1, candidates.Weights[last]);
            if (goal.IsReached(above))
                break;
        }

        return new RankedPrefix(above.Count, RankKey.Of(candidates.Logits[last], candidates.Items[last]));
    }

    /// <summary>All of <paramref name="tied"/> have one logit and one weight, so that the number needed is a division.</summary>
    private static RankedPrefix CutTies(in Candidates candidates, ReadOnlySpan<int> tied, Bin above, Goal goal)
    {
        var weight = candidates.Weights[tied[0]];
        var byMass = Math.Ceiling((goal.Mass - above.Mass.Value) / weight);
        var needed = (int)Math.Clamp(byMass, 1, Math.Min(tied.Length, goal.Count - above.Count));
        var last = tied[needed - 1];
        return new RankedPrefix(above.Count + needed, RankKey.Of(candidates.Logits[last], candidates.Items[last]));
    }

    private static int Digit(float logit, int shift) => (int)(RankKey.Descending(logit) >> shift) & (Digits - 1);

    private readonly record struct Goal(int Count, double Mass)
    {
        public bool IsReached(in Bin bin) => bin.Count >= Count || bin.Mass.Value >= Mass;
    }

    private struct Bin
    {
        public int Count;
        public CompensatedSum Mass;

        public void Add(int count, double mass)
        {
            Count += count;
            Mass.Add(mass);
        }
    }
}

/// <summary>The most probable items of a ranking.</summary>
/// <param name="Count">How many.</param>
/// <param name="Last">The <see cref="RankKey"/> of the least probable among them.</param>
internal readonly record struct RankedPrefix(int Count, ulong Last);
