using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>What a GPU would say of a row: its most probable items in no order, ties cut anyhow, and the normaliser.</summary>
internal sealed class RowWindow
{
    /// <summary>Takes the <paramref name="size"/> most probable items; of equal logits those that chance prefers.</summary>
    public RowWindow(float[] row, ItemMask? mask, double temperature, int size, int seed = 0)
    {
        var random = new Random(seed);
        var eligible = Enumerable.Range(1, row.Length - 1).Where(i => mask?.IsExcluded(i) != true && row[i] > float.NegativeInfinity).ToArray();
        random.Shuffle(eligible);
        Items = [.. eligible.OrderByDescending(i => row[i]).Take(size)];
        random.Shuffle(Items);
        Logits = [.. Items.Select(i => row[i])];
        EligibleCount = eligible.Length;
        LogSumExp = LogSumExpOf([.. eligible.Select(i => row[i])], temperature);
    }

    public RowWindow(int[] items, float[] logits, int eligibleCount, double logSumExp, double error = 0) =>
        (Items, Logits, EligibleCount, LogSumExp, Error) = (items, logits, eligibleCount, logSumExp, error);

    public int[] Items { get; }

    public float[] Logits { get; }

    public int EligibleCount { get; init; }

    public double LogSumExp { get; }

    public double Error { get; }

    /// <summary>The same with a normaliser that is off by a part, −1…1, of an error.</summary>
    public RowWindow WithError(double error, double part) => new(Items, Logits, EligibleCount, LogSumExp + (part * error), error);

    public static double LogSumExpOf(float[] logits, double temperature)
    {
        if (logits.Length == 0)
            return double.NegativeInfinity;
        var max = (double)logits.Max();
        var sum = default(CompensatedSum);
        foreach (var logit in logits)
            sum.Add(Math.Exp((logit - max) / temperature));
        return (max / temperature) + Math.Log(sum.Value);
    }

    /// <summary>Null: the full row is needed, and no slot was written.</summary>
    public SlateSlot[]? Sample(in SamplingParameters parameters, int slotCount, out SlateSummary summary)
    {
        var slots = new SlateSlot[slotCount];
        var window = new LogitWindow(Items, Logits, EligibleCount, LogSumExp, Error);
        var isCovered = WindowSampler.TrySample(window, parameters, slots, out summary);
        Assert.All(slots[summary.Count..], slot => Assert.Equal(default, slot));
        Assert.True(isCovered || summary == default);
        return isCovered ? slots[..summary.Count] : null;
    }

    public SlateSlot[]? Sample(in SamplingParameters parameters, int slotCount) => Sample(parameters, slotCount, out _);
}
