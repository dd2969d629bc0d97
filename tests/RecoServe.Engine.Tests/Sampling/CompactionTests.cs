using System.Runtime.Intrinsics;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

public sealed class CompactionTests
{
    private const int Lanes = 16;
    private const int Guard = 4;

    /// <summary>Every mask there is: the selected lanes in their order, and nothing written past a vector.</summary>
    [Fact]
    public void Store_EveryMask_KeepsTheSelectedInOrderAndStaysWithinTheSlack()
    {
        var values = Vector512.Create(Enumerable.Range(1, Lanes).Select(i => (float)i).ToArray());
        var numbers = Vector512.Create(Enumerable.Range(101, Lanes).ToArray());
        var floats = new float[Lanes + Guard];
        var ints = new int[Lanes + Guard];
        for (var mask = 0; mask < 1 << Lanes; mask++)
        {
            var lanes = Enumerable.Range(0, Lanes).Where(i => ((mask >> i) & 1) == 1).ToArray();
            var selected = Vector512.Create(Enumerable.Range(0, Lanes).Select(i => ((mask >> i) & 1) == 1 ? -1 : 0).ToArray()).AsSingle();
            Array.Fill(floats, -7);
            Array.Fill(ints, -7);
            Assert.Equal(lanes.Length, Compaction.Store(values, selected, ref floats[0]));
            Assert.Equal(lanes.Length, Compaction.Store(numbers, selected, ref ints[0]));
            for (var i = 0; i < lanes.Length; i++)
            {
                if (floats[i] != lanes[i] + 1 || ints[i] != lanes[i] + 101)
                    Assert.Fail($"mask {mask:X4}: element {i} is {floats[i]} and {ints[i]}, not lane {lanes[i]}");
            }

            Assert.Equal(-1, floats.AsSpan(Lanes).IndexOfAnyExcept(-7f));
            Assert.Equal(-1, ints.AsSpan(Lanes).IndexOfAnyExcept(-7));
        }
    }
}
