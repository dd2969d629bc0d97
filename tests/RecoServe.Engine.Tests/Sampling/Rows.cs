namespace RecoServe.Engine.Tests.Sampling;

/// <summary>Rows of logits of the shapes that recommenders give; column 0 is −∞.</summary>
internal static class Rows
{
    public static readonly string[] Kinds =
        ["gauss1", "gauss3", "gauss6", "uniform", "zipf", "mixture", "bf16", "spiky", "equal", "few", "holes", "wide", "tied"];

    public static float[] Make(string kind, int items, int seed)
    {
        var random = new Random(seed);
        var row = new float[items + 1];
        row[0] = float.NegativeInfinity;
        for (var i = 1; i <= items; i++)
        {
            row[i] = (float)(kind switch
            {
                "gauss1" => Gauss(random),
                "gauss3" => 3 * Gauss(random),
                "gauss6" => 6 * Gauss(random),
                "uniform" => random.NextDouble() - 0.5,
                "zipf" => (-1.1 * Math.Log(i)) + (0.3 * Gauss(random)),
                "mixture" or "bf16" => (-0.7 * Math.Log(i)) + (1.2 * Gauss(random)) + (random.Next(100) == 0 ? 4 : 0),
                "spiky" => (2 * Gauss(random)) + (i % 97 == 5 ? 22 : 0),
                "equal" => -1.25,
                "few" => random.Next(3) - 1, // with −0 among the zeros, below
                "holes" => random.Next(3) == 0 ? double.NegativeInfinity : Gauss(random),
                "tied" => random.Next(5) > 0 ? -1.3 : Gauss(random), // as of items that nobody has watched
                "wide" => (random.NextDouble() - 0.5) * 2000,
                _ => throw new ArgumentException(kind),
            });
            if (kind == "bf16")
                row[i] = BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(row[i]) + 0x8000) & 0xFFFF_0000);
            if (row[i] == 0 && i % 2 == 0)
                row[i] = -0f;
        }

        return row;
    }

    /// <summary>A row with these logits as items 1, 2, ….</summary>
    public static float[] Of(params float[] logits) => [float.NegativeInfinity, .. logits];

    /// <summary>A row whose softmax gives these probabilities, to float precision.</summary>
    public static float[] OfProbabilities(params double[] probabilities) => Of([.. probabilities.Select(p => (float)Math.Log(p))]);

    private static double Gauss(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
