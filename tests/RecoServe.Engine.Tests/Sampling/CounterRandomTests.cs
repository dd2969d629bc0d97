using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

public sealed class CounterRandomTests
{
    /// <summary>The known answers that the authors publish with Random123 for philox4x32, 10 rounds.</summary>
    [Theory]
    [InlineData(0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8)]
    [InlineData(
        0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd)]
    [InlineData(
        0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1)]
    public void Philox_KnownAnswers(
        uint c0, uint c1, uint c2, uint c3, uint key0, uint key1, uint x0, uint x1, uint x2, uint x3) =>
        Assert.Equal(new PhiloxBlock(x0, x1, x2, x3), CounterRandom.Philox4x32(new PhiloxBlock(c0, c1, c2, c3), key0, key1));

    [Fact]
    public void Uniform_IsTheTop53BitsOfTheFirstTwoWords()
    {
        Assert.Equal((0xe169c58d6627e8d5UL >> 11) / 9007199254740992.0, CounterRandom.Uniform(0, 0));
        var block = CounterRandom.Philox4x32(new PhiloxBlock(7, 0, 0, 0), 0x89abcdef, 0x01234567);
        Assert.Equal(((((ulong)block.Word1 << 32) | block.Word0) >> 11) / 9007199254740992.0, CounterRandom.Uniform(0x0123456789abcdef, 7));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Uniform_OverSeedsOrSlots_FillsEveryCellAndBothTails(bool overSeeds)
    {
        const int Draws = 1_000_000;
        var counts = new Dictionary<int, int>();
        int low = 0, high = 0;
        double mean = 0, lagged = 0, before = 0.5;
        for (var i = 0; i < Draws; i++)
        {
            var u = overSeeds ? CounterRandom.Uniform((ulong)i, 3) : CounterRandom.Uniform(42, i);
            Assert.True(u is >= 0 and < 1);
            var cell = (int)(u * 64);
            counts[cell] = counts.GetValueOrDefault(cell) + 1;
            low += u < 1e-4 ? 1 : 0;
            high += u >= 1 - 1e-4 ? 1 : 0;
            mean += (u - 0.5) / Draws;
            lagged += (u - 0.5) * (before - 0.5) / Draws;
            before = u;
        }

        SlateAssert.FollowsLaw(Enumerable.Range(0, 64).ToDictionary(i => i, _ => 1 / 64.0), counts);
        Assert.Equal(100.0, low, 45.0);
        Assert.Equal(100.0, high, 45.0);
        Assert.Equal(0, mean, 4.5 * Math.Sqrt(1 / 12.0 / Draws));
        Assert.Equal(0, lagged, 4.5 / 12 / Math.Sqrt(Draws));
    }

    [Fact]
    public void Uniform_HasAll53Bits()
    {
        var or = 0UL;
        var and = ulong.MaxValue;
        for (var slot = 0; slot < 1000; slot++)
        {
            var bits = (ulong)(CounterRandom.Uniform(11, slot) * 9007199254740992.0);
            or |= bits;
            and &= bits;
        }

        Assert.Equal(((1UL << 53) - 1, 0UL), (or, and));
    }

    /// <summary>
    /// Rare items lie where the uniform is within 2⁻¹⁰ of 0 or of 1. There it still has 43 random bits; a number of 24 bits, as
    /// single precision has, would have 14.
    /// </summary>
    [Theory]
    [InlineData(0)]
    [InlineData((1 << 10) - 1)]
    public void Uniform_NearZeroAndNearOne_HasAllItsBits(int tail)
    {
        const int LowBits = 43;
        var seen = new HashSet<ulong>();
        var ones = new int[LowBits];
        for (ulong seed = 0; seed < 2_000_000; seed++)
        {
            var bits = (ulong)(CounterRandom.Uniform(seed, 1) * 9007199254740992.0);
            if ((int)(bits >> LowBits) != tail)
                continue;
            Assert.True(seen.Add(bits));
            for (var bit = 0; bit < LowBits; bit++)
                ones[bit] += (int)(bits >> bit) & 1;
        }

        Assert.Equal(2_000_000 / 1024.0, seen.Count, 4.5 * Math.Sqrt(2_000_000 / 1024.0));
        Assert.All(ones, count => Assert.Equal(seen.Count / 2.0, count, 4.5 * Math.Sqrt(seen.Count) / 2));
    }
}
