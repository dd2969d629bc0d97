using CsCheck;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>A row of any shape and what is asked of it, in a few numbers: the line that it prints makes it again.</summary>
internal sealed record RowCase(RowShape Shape, SamplingParameters Parameters, int SlotCount)
{
    private static readonly Gen<double> TopP = Gen.Frequency(
        (4, Gen.Double[-9, 0].Select(log => Math.Pow(10, log))), // 1e-9…1, all orders alike
        (3, Gen.Double[-9, 0].Select(log => 1 - Math.Pow(10, log) + 1e-9)), // the same of 1 − p
        (3, Gen.Int[1, 20].Select(i => i / 20.0)),
        (1, Gen.Const(1.0)));

    private static readonly Gen<double> Temperature = Gen.Frequency(
        (2, Gen.Const(1.0)), (3, Gen.Double[-3, 3].Select(log => Math.Pow(10, log))), (1, Gen.OneOf(1e-3, 1e3)));

    private static readonly Gen<SamplingStrategy> Strategy = Gen.Frequency(
        (8, Gen.Const(SamplingStrategy.Nucleus)), (1, Gen.Const(SamplingStrategy.Greedy)), (1, Gen.Const(SamplingStrategy.Full)));

    public static Gen<RowCase> Of(int leastItems, int mostItems)
    {
        var topK = Gen.Frequency((3, Gen.Const(0)), (1, Gen.Int[1, 40]), (1, Gen.Int[1, mostItems]));
        var slots = Gen.Frequency((8, Gen.Int[0, 12]), (1, Gen.Int[13, Math.Min(700, mostItems)]));
        var parameters = Gen.Select(Strategy, TopP, Temperature, topK, Gen.ULong, (strategy, topP, temperature, k, seed) =>
            new SamplingParameters { Strategy = strategy, TopP = Math.Clamp(topP, 1e-9, 1), Temperature = temperature, TopK = k, Seed = seed });
        return Gen.Select(RowShape.Of(leastItems, mostItems), parameters, slots, (shape, p, count) => new RowCase(shape, p, count));
    }
}

/// <summary>How a row is made: a kind of <see cref="Rows"/>, then what these say in this order.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Items">N.</param>
/// <param name="Seed">Of the kind, the outliers and the mask.</param>
/// <param name="Step">Logits are rounded to multiples of this: ties. 0: not.</param>
/// <param name="Outliers">So many items get <paramref name="Height"/> added.</param>
/// <param name="Height">Of the outliers.</param>
/// <param name="Sign">1: ascending order; −1: descending; 0: as they are.</param>
/// <param name="Offset">Added to every logit.</param>
/// <param name="HoleStart">The first item of a block of −∞, as a share of N.</param>
/// <param name="Hole">Its length, as a share of N.</param>
/// <param name="Masked">Share of the items that a mask excludes.</param>
internal sealed record RowShape(
    string Kind, int Items, int Seed, float Step, int Outliers, float Height, int Sign, float Offset, double HoleStart, double Hole, double Masked)
{
    public static Gen<RowShape> Of(int leastItems, int mostItems) =>
        from kind in Gen.OneOf(Rows.Kinds)
        from items in Gen.OneOf(Gen.Int[leastItems, Math.Min(mostItems, 2 * leastItems)], Gen.Int[leastItems, mostItems])
        from seed in Gen.Int[0, 1 << 20]
        from step in Gen.OneOf(0, 0, 0, 0, 0.01f, 0.25f, 2)
        from outliers in Gen.OneOf(0, 0, 0, 1, 2, 30)
        from height in Gen.OneOf(3f, 10, 30, 500)
        from sign in Gen.OneOf(0, 0, 0, 0, 1, -1)
        from offset in Gen.Frequency((2, Gen.Const(0f)), (1, Gen.Float[-1000, 1000]), (1, Gen.OneOf(-1000f, 1000)))
        from holeStart in Gen.Double[0, 1]
        from hole in Gen.OneOf(0, 0, 0, 0.1, 0.6, 1)
        from masked in Gen.OneOf(0, 0, 0, 0.001, 0.5, 0.95, 0.999)
        select new RowShape(kind, items, seed, step, outliers, height, sign, offset, holeStart, hole, masked);

    public float[] MakeRow()
    {
        var row = Rows.Make(Kind, Items, Seed);
        var logits = row.AsSpan(1);
        var random = new Random(Seed + 1);
        if (Step > 0)
            Each(logits, l => MathF.Round(l / Step) * Step);
        for (var i = 0; i < Outliers && !logits.IsEmpty; i++)
            logits[random.Next(logits.Length)] += Height;
        if (Sign != 0)
            logits.Sort((a, b) => Sign * a.CompareTo(b));
        Each(logits, l => l + Offset);
        var start = (int)(HoleStart * Items);
        logits[start..Math.Min(Items, start + (int)(Hole * Items))].Fill(float.NegativeInfinity);
        return row;
    }

    /// <summary>To be disposed of.</summary>
    public ItemMask? MakeMask()
    {
        if (Masked == 0)
            return null;
        var random = new Random(Seed + 2);
        var mask = ItemMask.Rent(Items);
        for (var item = 1; item <= Items; item++)
        {
            if (random.NextDouble() < Masked)
                mask.Exclude(item);
        }

        return mask;
    }

    private static void Each(Span<float> logits, Func<float, float> map)
    {
        foreach (ref var logit in logits)
            logit = map(logit);
    }
}
