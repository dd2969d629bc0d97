namespace RecoServe.Trainer.Simulation;

/// <summary>What a stream of random numbers is for: streams of different purposes are independent.</summary>
internal enum StreamPurpose
{
    World,
    Viewer,
    Viewing,
    Policy,
}

/// <summary>
/// Random numbers of one entity: SplitMix64 (Steele, Lea, Flood 2014) started from a hash of (seed, purpose, entity). What an
/// entity does never depends on how many numbers another one has drawn.
/// </summary>
internal sealed class RandomStream(int seed, StreamPurpose purpose, int entity = 0)
{
    private const ulong GoldenGamma = 0x9E3779B97F4A7C15;

    private ulong _state = Mix(Mix(Mix((ulong)seed + GoldenGamma) + (ulong)purpose + GoldenGamma) + (ulong)entity + GoldenGamma);

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in 0…<paramref name="count"/> − 1.</summary>
    public int NextInt(int count) => (int)Math.BigMul(NextBits(), (ulong)count, out _);

    /// <summary>True with the given probability.</summary>
    public bool NextBool(double probability) => NextDouble() < probability;

    /// <summary>Standard normal (Box–Muller, one of the pair).</summary>
    public double NextNormal() => Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    /// <summary>An index with probability ∝ <paramref name="weights"/>, which are ≥ 0 and not all 0.</summary>
    public int NextIndex(ReadOnlySpan<double> weights)
    {
        var total = 0.0;
        foreach (var weight in weights)
            total += weight;
        var left = NextDouble() * total;
        var last = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] == 0)
                continue;
            last = i;
            left -= weights[i];
            if (left < 0)
                break;
        }

        return last;
    }

    /// <summary>One of <paramref name="choices"/>, each as likely.</summary>
    public T NextOf<T>(IReadOnlyList<T> choices) => choices[NextInt(choices.Count)];

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private ulong NextBits() => Mix(_state += GoldenGamma);
}
