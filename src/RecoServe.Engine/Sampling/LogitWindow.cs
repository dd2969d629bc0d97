namespace RecoServe.Engine.Sampling;

/// <summary>
/// The most probable items of a row, found elsewhere, as by a GPU's top-K, and what must be known of the rest: no eligible
/// item outside has a higher logit than one inside. Which of equal logits are inside is left to whoever chose them.
/// </summary>
public readonly ref struct LogitWindow
{
    /// <summary>A window of K items. The spans are not copied.</summary>
    /// <param name="items">K indexes, 1…N, all different, in any order.</param>
    /// <param name="logits">Their K logits, before temperature. −∞ = not eligible: such an entry is as if it were not there.</param>
    /// <param name="eligibleCount">
    /// Eligible items of the whole row. A number above it is allowed, so N always: then it may not be seen that a window holds
    /// them all.
    /// </param>
    /// <param name="logSumExp">ln Σ exp(logit / temperature) over all eligible items of the row; −∞ if there are none.</param>
    /// <param name="logSumExpError">
    /// The most by which <paramref name="logSumExp"/> is off, in [0, 1): for sums in single precision say 1e-6; 0 in double
    /// precision, by blocks or in pairs, the rounding of which is allowed for. It becomes the relative error of a
    /// <see cref="SlateSlot.Probability"/>, and never changes a slate.
    /// </param>
    /// <exception cref="ArgumentException">The lengths differ, the count is negative, or the error is not in its range.</exception>
    public LogitWindow(
        ReadOnlySpan<int> items, ReadOnlySpan<float> logits, int eligibleCount, double logSumExp, double logSumExpError)
    {
        if (items.Length != logits.Length)
            throw new ArgumentException($"the window has {items.Length} items and {logits.Length} logits", nameof(logits));
        ArgumentOutOfRangeException.ThrowIfNegative(eligibleCount);
        if (logSumExpError is not (>= 0 and < 1))
            throw new ArgumentException($"the error is {logSumExpError}, not in [0, 1)", nameof(logSumExpError));
        Items = items;
        Logits = logits;
        (EligibleCount, LogSumExp, LogSumExpError) = (eligibleCount, logSumExp, logSumExpError);
    }

    /// <summary>Item indexes.</summary>
    public ReadOnlySpan<int> Items { get; }

    /// <summary>A logit for each item.</summary>
    public ReadOnlySpan<float> Logits { get; }

    /// <summary>Eligible items of the whole row, or more.</summary>
    public int EligibleCount { get; }

    /// <summary>ln Σ exp(logit / temperature) over the whole row.</summary>
    public double LogSumExp { get; }

    /// <summary>The most by which <see cref="LogSumExp"/> is off.</summary>
    public double LogSumExpError { get; }

    /// <summary>The eligible items in index order, with weights relative to the largest logit.</summary>
    /// <param name="temperature">Divisor of the logits.</param>
    /// <param name="scratch">Memory for as many items and ranks.</param>
    /// <exception cref="InvalidLogitsException">A logit is NaN or +∞.</exception>
    /// <exception cref="ArgumentException">An eligible item is below 1 or stands twice.</exception>
    internal Candidates Eligible(double temperature, in SamplerScratch scratch)
    {
        var keys = IndexOrder(scratch.Ranks);
        var max = float.NegativeInfinity;
        for (var i = 0; i < keys.Length; i++)
        {
            var item = (int)(keys[i] >> 32);
            if (i > 0 && item == scratch.Items[i - 1])
                throw new ArgumentException($"item {item} stands twice in the window");
            scratch.Items[i] = item;
            scratch.Logits[i] = BitConverter.UInt32BitsToSingle((uint)keys[i]);
            max = Math.Max(max, scratch.Logits[i]);
        }

        return Candidates.Of(keys.Length, max, temperature, scratch);
    }

    /// <summary>The eligible items above the bits of their logits, ascending.</summary>
    private Span<ulong> IndexOrder(Span<ulong> memory)
    {
        var count = 0;
        var sorted = true;
        for (var i = 0; i < Items.Length; i++)
        {
            var (item, logit) = (Items[i], Logits[i]);
            if (!(logit < float.PositiveInfinity))
                throw new InvalidLogitsException(item, logit);
            if (float.IsNegativeInfinity(logit))
                continue;
            if (item < 1)
                throw new ArgumentException($"{item} is no item: they are 1…N");
            memory[count] = ((ulong)item << 32) | BitConverter.SingleToUInt32Bits(logit);
            sorted &= count == 0 || memory[count - 1] < memory[count];
            count++;
        }

        if (!sorted)
            memory[..count].Sort();
        return memory[..count];
    }
}
