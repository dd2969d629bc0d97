namespace RecoServe.Trainer.Training;

/// <summary>Seeds that are a function of a training's seed and a counter, so that no generator's state has to be saved.</summary>
internal static class HashSeed
{
    /// <summary>SplitMix64 (Steele, Lea and Flood 2014) of the pair: neighbouring counters give unrelated seeds.</summary>
    public static int Of(int seed, long counter)
    {
        unchecked
        {
            var z = (((ulong)seed << 32) ^ (ulong)counter) + 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return (int)(z ^ (z >> 31));
        }
    }
}
