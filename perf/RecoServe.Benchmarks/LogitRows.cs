namespace RecoServe.Benchmarks;

/// <summary>Seeded rows of logits of the two shapes that trained models give; column 0 is −∞.</summary>
internal static class LogitRows
{
    /// <summary>
    /// <c>zipf</c>: probability of rank r ∝ r^−1.1, items shuffled, so that a small head holds most of the mass;
    /// <c>gaussian</c>: logits N(0, 2²), whose nucleus is a few percent of the catalogue.
    /// </summary>
    internal static float[][] Make(string kind, int items, int count) => [.. Enumerable.Range(0, count).Select(seed => Row(kind, items, seed))];

    private static float[] Row(string kind, int items, int seed)
    {
        var random = new Random(seed);
        var row = new float[items + 1];
        for (var i = 1; i <= items; i++)
        {
            row[i] = (float)(kind switch
            {
                "zipf" => (-1.1 * Math.Log(i)) + (0.3 * Gauss(random)),
                "gaussian" => 2 * Gauss(random),
                _ => throw new ArgumentException($"no row is called {kind}", nameof(kind)),
            });
        }

        random.Shuffle(row.AsSpan(1));
        row[0] = float.NegativeInfinity;
        return row;
    }

    /// <summary>Box and Muller 1958.</summary>
    private static double Gauss(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
