using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

public sealed class DeterminismTests
{
    /// <summary>The switches of the runtime with which `make test-instruction-sets` runs these tests have an effect.</summary>
    [Fact]
    public void Vectors_AreTakenAwayByTheSwitches()
    {
        if (Environment.GetEnvironmentVariable("DOTNET_EnableAVX512") == "0")
            Assert.False(Avx512F.IsSupported);
        if (Environment.GetEnvironmentVariable("DOTNET_EnableHWIntrinsic") == "0")
            Assert.False(Vector128.IsHardwareAccelerated || Avx2.IsSupported);
    }

    [Fact]
    public void Sample_ParallelCallsInAnyOrder_GiveTheSlatesOfOneThread()
    {
        var rows = Enumerable.Range(0, 8).Select(i => Rows.Make(Rows.Kinds[i], 400 + (300 * i), i)).ToArray();
        SlateSlot[] Slate(int call)
        {
            var row = rows[call % rows.Length];
            using var mask = ItemMask.Rent(row.Length - 1);
            mask.Exclude([1 + (call % 50), 60 + (call % 7)]);
            return SlateAssert.Sample(row, new() { Seed = (ulong)(call / 16), TopK = call % 3 * 50 }, 20, mask);
        }

        var expected = Enumerable.Range(0, 1000).Select(Slate).ToArray();
        var actual = new SlateSlot[1000][];
        Parallel.For(0, 1000, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i => actual[999 - i] = Slate(999 - i));
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void Sample_AnotherSeedOrSlot_GivesAnotherDraw()
    {
        var row = Rows.Make("uniform", 10_000, 1);
        var slates = Enumerable.Range(0, 200).Select(seed => SlateAssert.Sample(row, new() { Seed = (ulong)seed << 32 }, 3)).ToArray();
        Assert.InRange(slates.Select(s => s[0].Item).Distinct().Count(), 190, 200);
        Assert.InRange(slates.Select(s => s[1].Item).Distinct().Count(), 190, 200);
    }

    /// <summary>A server's threads come and go: each keeping memory of its own would cost five rows a thread.</summary>
    [Fact]
    public void Sample_ManyThreadsOneAfterTheOther_ShareTheirMemory()
    {
        const int threads = 40, items = 400_000;
        var row = Rows.Make("gauss1", items, 1);
        var allocated = 0L;
        for (var i = 0; i < threads; i++)
        {
            var thread = new Thread(() =>
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                NucleusSampler.Sample(row, null, new SamplingParameters(), new SlateSlot[1]);
                allocated += GC.GetAllocatedBytesForCurrentThread() - before;
            });
            thread.Start();
            thread.Join();
        }

        // Other tests may hold some of what is shared, or leave some that is too short.
        Assert.InRange(allocated, 0, threads / 4 * 6L * items * sizeof(float));
    }

    [Fact]
    public void Sample_KnownSeeds_GiveTheSlatesOfEveryRelease()
    {
        // What is logged with a seed must be reproducible from it later.
        var row = Rows.Of([.. Enumerable.Range(1, 5000).Select(i => (i * 7919 % 1000 / 250f) - 2)]);
        Assert.Equal([4472, 4371, 2779, 186, 3311, 1482, 606, 2335], Items(1, 0));
        Assert.Equal([103, 124, 338, 4521, 3475, 747, 3125, 2386], Items(0xFEDC_BA98_7654_3210, 0));
        Assert.Equal([4605, 4284, 2605, 284, 3284, 1321, 605, 2284], Items(1, 40));
        SlateAssert.MatchesReference(row, new() { Seed = 1, TopK = 40 }, 8);

        // The propensities to their last bit, whatever the vector width and the tier of the JIT.
        var bits = SlateAssert.Sample(row, new() { Seed = 1 }, 500).Aggregate(
            0UL, (hash, slot) => (hash * 0x100000001B3) ^ BitConverter.DoubleToUInt64Bits(slot.Propensity * slot.Probability));
        Assert.Equal(763796896996688703UL, bits);

        IEnumerable<int> Items(ulong seed, int topK) =>
            SlateAssert.Sample(row, new() { Seed = seed, TopK = topK }, 8).Select(s => s.Item);
    }

    [Fact]
    public void Sample_SteadyState_AllocatesNothing()
    {
        var row = Rows.Make("mixture", 20_000, 2);
        var slots = new SlateSlot[500];
        int[] excluded = [.. Enumerable.Range(1, 300)];
        void Calls()
        {
            for (ulong seed = 0; seed < 5; seed++)
            {
                using var mask = ItemMask.Rent(20_000);
                mask.ExcludeAllBut(excluded);
                mask.Invert();
                _ = NucleusSampler.Sample(row, mask, new() { Seed = seed }, slots);
                _ = NucleusSampler.Sample(row, mask, new() { Seed = seed, TopK = 400, TopP = 0.5 }, slots);
                _ = NucleusSampler.Sample(row, null, new() { Strategy = SamplingStrategy.Greedy }, slots);
                _ = NucleusSampler.Sample(row, null, new() { TopP = 1, Temperature = 1e-3 }, slots);
                _ = NucleusSampler.LogSumExp(row);
            }
        }

        // A collection may empty the array pool between two calls: one clean round shows that the calls themselves need nothing.
        var least = long.MaxValue;
        for (var round = 0; round < 10 && least > 0; round++)
        {
            Calls();
            var before = GC.GetAllocatedBytesForCurrentThread();
            Calls();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }
}
