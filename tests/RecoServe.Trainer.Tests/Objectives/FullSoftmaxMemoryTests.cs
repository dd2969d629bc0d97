using System.Globalization;
using RecoServe.Trainer.Objectives;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Objectives;

/// <summary>Alone, because it looks at what the process holds.</summary>
[CollectionDefinition(nameof(FullSoftmaxMemoryTests), DisableParallelization = true)]
[Collection(nameof(FullSoftmaxMemoryTests))]
public sealed class FullSoftmaxMemoryTests
{
    /// <summary>Of positions × items, 200 MB, it holds a block of 25 MB at a time.</summary>
    [Fact]
    public void Accumulate_ManyPositionsAndItems_TakesMemoryOfABlock()
    {
        const int Positions = 512, Items = 100_000;
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the highest memory of a process can be reset on Linux alone");
        using var scope = NewDisposeScope();
        manual_seed(1);
        var (items, bias) = (LossProblem.Leaf(randn(Items + 1, 2)), LossProblem.Leaf(zeros(Items + 1)));
        var (states, targets) = (randn(Positions, 2), randint(1, Items + 1, [Positions], int64));
        using var softmax = new FullSoftmax(items, bias, FullSoftmax.ChunkFor(Items));
        var gradient = zeros_like(states);

        File.WriteAllText("/proc/self/clear_refs", "5");
        var before = HighestMemory();
        softmax.Accumulate(states, targets, null, gradient);
        Assert.InRange(HighestMemory() - before, 0, sizeof(float) * (long)Positions * Items / 3);
    }

    /// <summary>Resident bytes at most since the last reset.</summary>
    private static long HighestMemory() => 1024 * long.Parse(
        File.ReadLines("/proc/self/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
        CultureInfo.InvariantCulture);
}
