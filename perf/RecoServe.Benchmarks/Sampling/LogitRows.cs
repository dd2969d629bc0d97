namespace RecoServe.Benchmarks.Sampling;

/// <summary>Seeded rows of logits: column 0 is −∞, then N logits.</summary>
internal static class LogitRows
{
    /// <summary>One row of a kind. The same kind, N and seed give the same row.</summary>
    /// <param name="kind">One of <see cref="RowKinds"/>, or of those that are hard: see the code.</param>
    /// <param name="items">N.</param>
    /// <param name="seed">The seed.</param>
    internal static float[] Make(string kind, int items, int seed)
    {
        var random = new Random(seed);
        var row = new float[items + 1];
        row[0] = float.NegativeInfinity;
        for (var rank = 1; rank <= items; rank++)
            row[rank] = (float)Logit(kind, rank, random);
        Arrange(kind, row.AsSpan(1), random);
        return row;
    }

    private static double Logit(string kind, int rank, Random random) => kind switch
    {
        "gauss1" or "nan" or "hidden" => Gauss(random),
        "gauss3" or "ascending" or "descending" => 3 * Gauss(random),
        "gauss6" => 6 * Gauss(random),
        "uniform" => random.NextDouble() - 0.5,
        "zipf1.1" => (-1.1 * Math.Log(rank)) + (0.3 * Gauss(random)),
        "mixture" or "mix-bf16" => (-0.7 * Math.Log(rank)) + (1.2 * Gauss(random)) + (random.Next(100) == 0 ? 4 : 0),
        "spiky" => 2 * Gauss(random),
        "equal" => -1.25,
        "three" => random.Next(3) - 1,
        _ => throw new ArgumentException($"no row is called {kind}", nameof(kind)),
    };

    /// <summary>What concerns the row as a whole: order, rounding and outliers.</summary>
    private static void Arrange(string kind, Span<float> row, Random random)
    {
        switch (kind)
        {
            case "zipf1.1" or "mixture" or "mix-bf16":
                random.Shuffle(row);
                break;
            case "spiky":
                for (var peak = 0; peak < 5; peak++)
                    row[random.Next(row.Length)] += 22;
                break;
            case "ascending" or "descending":
                row.Sort();
                break;
            case "nan":
                row[^1] = float.NaN;
                break;
            case "hidden":
                // Most of the mass in a run of neighbours, shorter than the stride of any small sample.
                foreach (ref var logit in row.Slice(random.Next(row.Length - 240), 240))
                    logit += 12;
                break;
        }

        if (kind == "descending")
            row.Reverse();
        if (kind == "mix-bf16")
        {
            foreach (ref var logit in row)
                logit = RoundToBFloat16(logit);
        }
    }

    /// <summary>Box and Muller 1958.</summary>
    private static double Gauss(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static float RoundToBFloat16(float x) => BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(x) + 0x8000) & 0xFFFF_0000);
}
