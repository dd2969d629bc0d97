using System.Diagnostics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Finds where a ranking must be cut without sorting it: a radix selection over the 32 bits of the logit, most significant
/// digit first, that knows of each digit how many candidates it holds and their weight. Four passes at most, each over the
/// candidates that share the digits before; what remains is one logit value, whose ties are cut by index.
/// </summary>
internal static class RankSelection
{
    private const int DigitBits = 8;
    private const int Digits = 1 << DigitBits;

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
        for (var shift = 32 - DigitBits; shift >= 0; shift -= DigitBits)
        {
            bins.Clear();
            foreach (var i in tied)
                bins[Digit(candidates.Logits[i], shift)].Add(1, candidates.Weights[i]);
            var digit = Cut(bins, ref above, goal);
            if (bins[digit].Count < tied.Length)
                tied = Narrow(tied, candidates.Logits, shift, digit);
        }

        return CutTies(candidates, tied, above, goal);
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

    /// <summary>All of <paramref name="tied"/> have one logit and one weight, so that the number needed is a division.</summary>
    private static RankedPrefix CutTies(in Candidates candidates, ReadOnlySpan<int> tied, Bin above, Goal goal)
    {
        var weight = candidates.Weights[tied[0]];
        var byMass = Math.Ceiling((goal.Mass - above.Mass.Value) / weight);
        var needed = (int)Math.Clamp(byMass, 1, Math.Min(tied.Length, goal.Count - above.Count));
        var last = tied[needed - 1];
        return new RankedPrefix(
            above.Count + needed, above.Mass.Value + (needed * weight), RankKey.Of(candidates.Logits[last], candidates.Items[last]));
    }

    private static int Digit(float logit, int shift) => (int)(RankKey.Descending(logit) >> shift) & (Digits - 1);

    private readonly record struct Goal(int Count, double Mass)
    {
        public bool IsReached(in Bin bin) => bin.Count >= Count || (bin.Count > 0 && bin.Mass.Value >= Mass);
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
/// <param name="Mass">Their weight.</param>
/// <param name="Last">The <see cref="RankKey"/> of the least probable among them.</param>
internal readonly record struct RankedPrefix(int Count, double Mass, ulong Last);
