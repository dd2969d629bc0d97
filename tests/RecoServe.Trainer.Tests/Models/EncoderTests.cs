using System.Globalization;
using RecoServe.Trainer.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Models;

/// <summary>What holds for every way of reading a history.</summary>
[Collection(Torch.Collection)]
public sealed class EncoderTests
{
    private const int Length = 7, Dimension = 8;

    /// <summary>By name: a test class is public, and the kinds are not. A number after it is the memory.</summary>
    public static TheoryData<string> Kinds { get; } = [.. Enum.GetNames<NetworkKind>(), "Sasrec 3", "Ligr 5"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Read_LaterWatchChanged_LeavesEveryEarlierState(string kind)
    {
        using var scope = NewDisposeScope();
        using var network = Network(kind);
        var (items, other) = (randint(1, 5, [3, Length], int64), randint(5, 10, [3, Length], int64));
        var before = Read(network, items);
        for (var step = 1; step < Length; step++)
        {
            var changed = items.clone();
            changed.select(1, step).copy_(other.select(1, step));
            var after = Read(network, changed);
            Assert.Equal(0, Difference(before.narrow(1, 0, step), after.narrow(1, 0, step)));
            Assert.True(Difference(before.narrow(1, step, Length - step), after.narrow(1, step, Length - step)) > 1e-4);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Read_MorePadding_LeavesEveryState(string kind)
    {
        using var scope = NewDisposeScope();
        using var network = Network(kind);
        var items = randint(1, 10, [3, Length], int64);
        var padded = cat([items, zeros(3, 4, int64)], 1);
        Assert.InRange(Difference(Read(network, items), Read(network, padded).narrow(1, 0, Length)), 0, 1e-6);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Read_RowInAnotherPlaceOfTheBatch_HasTheSameStates(string kind)
    {
        using var scope = NewDisposeScope();
        using var network = Network(kind);
        var items = randint(1, 10, [5, Length], int64);
        var states = Read(network, items);
        Assert.InRange(Difference(states.flip(0), Read(network, items.flip(0))), 0, 1e-6);
        Assert.InRange(Difference(states.narrow(0, 3, 1), Read(network, items.narrow(0, 3, 1))), 0, 1e-6);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Read_ScaledInput_ReadsVectorsTimesTheRootOfTheDimension(string kind)
    {
        using var scope = NewDisposeScope();
        using var scaled = Network(kind, scale: true);
        using var plain = Network(kind);
        var items = randint(1, 10, [2, Length], int64);
        Assert.True(Difference(Read(scaled, items), Read(plain, items)) > 1e-3);
        using var root = Math.Sqrt(Dimension).ToScalar();
        using (no_grad())
            plain.Items.Input.mul_(root);
        Assert.InRange(Difference(Read(scaled, items), Read(plain, items)), 0, 1e-5);
    }

    [Theory]
    [InlineData("Sasrec")]
    [InlineData("Ligr")]
    [InlineData("Sasrec 3")]
    [InlineData("Ligr 3")]
    public void NewTransformer_EveryBlockIsNextToItsInput(string kind)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var network = Network(kind);
        var input = nn.functional.layer_norm(randn(4, Length, Dimension), [Dimension]); // SASRec's residuals go around from the normed side
        foreach (var block in ((CausalTransformer)network.Encoder).Blocks)
            Assert.InRange(Difference(block.call(input), input), 1e-6, 0.2);
    }

    /// <summary>Reads one of the <see cref="Kinds"/>.</summary>
    internal static (NetworkKind Network, int Memory) Parse(string kind) => kind.Split(' ') is [var name, var memory]
        ? (Enum.Parse<NetworkKind>(name), int.Parse(memory, CultureInfo.InvariantCulture))
        : (Enum.Parse<NetworkKind>(kind), 0);

    private static NextWatchNetwork Network(string kind, bool scale = false)
    {
        manual_seed(2).Dispose();
        var (encoder, memory) = Parse(kind);
        var network = new NextWatchNetwork(
            new NetworkShape(9, Dimension, 2, []) { Kind = encoder, MaxHistory = 20, Memory = memory, ScaleInput = scale }, 0.5);
        network.eval();
        return network;
    }

    private static Tensor Read(NextWatchNetwork network, Tensor items)
    {
        using var guard = no_grad();
        return network.Read(items);
    }

    private static float Difference(Tensor a, Tensor b) => (a - b).abs().max().item<float>();
}
