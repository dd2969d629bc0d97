namespace RecoServe.Engine.Sampling;

/// <summary>
/// Random numbers as a pure function of (seed, slot), so that neither batch, thread nor order of calls can change a slate:
/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3; SC 2011, section 4.2).
/// </summary>
internal static class CounterRandom
{
    private const int Rounds = 10;
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;

    /// <summary>A number in [0, 1), a multiple of 2⁻⁵³, uniform over the slots of any seed.</summary>
    public static double Uniform(ulong seed, int slot)
    {
        var block = Philox4x32(new PhiloxBlock((uint)slot, 0, 0, 0), (uint)seed, (uint)(seed >> 32));
        return ((((ulong)block.Word1 << 32) | block.Word0) >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>The ten-round bijection of a counter under a key.</summary>
    public static PhiloxBlock Philox4x32(PhiloxBlock counter, uint key0, uint key1)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var product0 = (ulong)Multiplier0 * counter.Word0;
            var product1 = (ulong)Multiplier1 * counter.Word2;
            counter = new PhiloxBlock(
                (uint)(product1 >> 32) ^ counter.Word1 ^ key0, (uint)product1,
                (uint)(product0 >> 32) ^ counter.Word3 ^ key1, (uint)product0);
            key0 += Weyl0;
            key1 += Weyl1;
        }

        return counter;
    }
}

/// <summary>The four 32-bit words of a Philox counter or of its image.</summary>
internal readonly record struct PhiloxBlock(uint Word0, uint Word1, uint Word2, uint Word3);
