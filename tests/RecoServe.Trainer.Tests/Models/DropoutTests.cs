using RecoServe.Trainer.Models;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Models;

/// <summary>Dropout where one can see it: all weights are 0 but for those that lead a 1 to it and from there to the output.</summary>
[Collection(Torch.Collection)]
public sealed class DropoutTests
{
    private const double Dropout = 0.25;
    private const int Dimension = 64;

    [Theory]
    [MemberData(nameof(EncoderTests.Kinds), MemberType = typeof(EncoderTests))]
    public void Read_InTrainingOnly_IsRandom(string kind)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var (encoder, memory) = EncoderTests.Parse(kind);
        using var network = new NextWatchNetwork(new NetworkShape(9, Dimension, 2, []) { Kind = encoder, MaxHistory = 20, Memory = memory }, Dropout);
        var items = randint(1, 10, [3, 7], int64);
        network.eval();
        var evaluated = network.Read(items);
        Assert.Equal(Numbers(evaluated), Numbers(network.Read(items)));
        network.train();
        Assert.NotEqual(Numbers(evaluated), Numbers(network.Read(items)));
        Assert.NotEqual(Numbers(network.Read(items)), Numbers(network.Read(items)));
    }

    [Fact]
    public void Gru_InputAndStates_AreZeroed()
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var gru = new GruEncoder(Shape(NetworkKind.Gru), Dropout);
        var input = randn(8, 20, Dimension);
        var trained = Numbers(gru.call(input));
        gru.eval();
        var evaluated = Numbers(gru.call(input));
        AssertZeroed(Dropout, trained);

        // Of whole inputs, what is left of the states would be those of the evaluation.
        Assert.Contains(trained.Zip(evaluated), pair => pair.First != 0 && Math.Abs((pair.First * (1 - Dropout)) - pair.Second) > 0.01);
    }

    [Fact]
    public void Transformer_Input_IsZeroed()
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var encoder = new CausalTransformer(Shape(NetworkKind.Sasrec) with { Layers = 0 }, Dropout);
        Only(encoder, encoder.LastNorm.weight!);
        AssertBelowTheMean(Dropout, Numbers(encoder.call(ones(8, 20, Dimension))));
    }

    [Fact]
    public void Sasrec_Attention_IsZeroed()
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var block = new SasrecBlock(Shape(NetworkKind.Sasrec), Dropout);
        Only(block, block.Attention.Output.bias!, block.ForwardNorm.weight!);
        AssertBelowTheMean(Dropout, Numbers(block.call(zeros(8, 20, Dimension))));
    }

    [Fact]
    public void Sasrec_ForwardPart_IsZeroedInsideAndAtItsEnd()
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var block = new SasrecBlock(Shape(NetworkKind.Sasrec), Dropout);
        Only(block, block.Inner.bias!);
        block.Outer.weight!.copy_(eye(Dimension));
        AssertZeroed(1 - Math.Pow(1 - Dropout, 2), Numbers(block.call(zeros(8, 20, Dimension))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ligr_BothBranches_AreZeroed(bool forward)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        using var block = new LigrBlock(Shape(NetworkKind.Ligr), Dropout);
        Only(block, forward ? block.Outer.bias! : block.Attention.Output.bias!);
        AssertZeroed(Dropout, Numbers(block.call(zeros(8, 20, Dimension))));
    }

    private static NetworkShape Shape(NetworkKind kind) => new(9, Dimension, 1, []) { Kind = kind, MaxHistory = 30 };

    /// <summary>Makes some weights 1 and all others 0.</summary>
    private static void Only(nn.Module module, params Tensor[] some)
    {
        foreach (var weight in module.parameters())
            weight.zero_();
        foreach (var weight in some)
            weight.copy_(ones_like(weight));
    }

    private static void AssertZeroed(double share, float[] numbers) => Assert.Equal(share, numbers.Average(x => x == 0 ? 1 : 0), 0.03);

    /// <summary>Ones that went through a layer norm.</summary>
    private static void AssertBelowTheMean(double share, float[] numbers) => Assert.Equal(share, numbers.Average(x => x < 0 ? 1 : 0), 0.03);

    private static float[] Numbers(Tensor x) => x.contiguous().data<float>().ToArray();
}
