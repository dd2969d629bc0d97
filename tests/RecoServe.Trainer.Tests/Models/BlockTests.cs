using RecoServe.Trainer.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Models;

/// <summary>Transformer blocks against the formulas of their documentation, in plain double precision.</summary>
[Collection(Torch.Collection)]
public sealed class BlockTests
{
    private const int Length = 5, Dimension = 6;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Sasrec_TinyExample_IsTheFormula(int heads)
    {
        manual_seed(7).Dispose();
        using var scope = NewDisposeScope();
        using var block = new SasrecBlock(Dimension, heads, 0.5);
        Randomise(block);
        var input = randn(1, Length, Dimension);
        Close(Sasrec(block, Rows(input[0])), Evaluate(block, input));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Ligr_TinyExample_IsTheFormula(int heads)
    {
        manual_seed(8).Dispose();
        using var scope = NewDisposeScope();
        using var block = new LigrBlock(Dimension, heads, 0.5);
        Randomise(block);
        var input = randn(1, Length, Dimension);
        Close(Ligr(block, Rows(input[0])), Evaluate(block, input));
    }

    [Fact]
    public void Transformer_PositionsBlocksAndLastNorm_AreApplied()
    {
        manual_seed(9).Dispose();
        using var scope = NewDisposeScope();
        using var encoder = new CausalTransformer(
            new NetworkShape(9, Dimension, 2, []) { Kind = NetworkKind.Sasrec, Heads = 2, MaxHistory = 9 }, 0.5);
        Randomise(encoder);
        var input = randn(1, Length, Dimension);
        var x = Sum(Rows(input[0]), Rows(encoder.Positions.narrow(0, 0, Length)));
        foreach (var block in encoder.Blocks.Cast<SasrecBlock>())
            x = Sasrec(block, x);
        Close(Norm(encoder.LastNorm, x), Evaluate(encoder, input));
    }

    private static double[][] Sasrec(SasrecBlock block, double[][] x)
    {
        var queries = Norm(block.AttentionNorm, x);
        var y = Norm(block.ForwardNorm, Sum(queries, Attention(block.Attention, queries, x)));
        return Sum(y, Apply(block.Outer, Map(Apply(block.Inner, y), v => Math.Max(0, v))));
    }

    private static double[][] Ligr(LigrBlock block, double[][] x)
    {
        var n = Norm(block.AttentionNorm, x);
        x = Sum(x, Product(Map(Apply(block.AttentionGate, x), Sigmoid), Attention(block.Attention, n, n)));
        var inner = Apply(block.Inner, Norm(block.ForwardNorm, x));
        var half = inner[0].Length / 2;
        var branch = Apply(block.Outer, [.. inner.Select(row => row[..half].Zip(row[half..], (a, b) => a * Sigmoid(a) * b).ToArray())]);
        return Sum(x, Product(Map(Apply(block.ForwardGate, x), Sigmoid), branch));
    }

    private static double[][] Attention(CausalAttention attention, double[][] asking, double[][] asked)
    {
        var (queries, keyValues) = (Apply(attention.Query, asking), Apply(attention.KeyValue, asked));
        var width = Dimension / attention.Heads;
        var seen = queries.Select(_ => new double[Dimension]).ToArray();
        for (var t = 0; t < Length; t++)
        {
            for (var cell = 0; cell < Dimension; cell++)
            {
                var head = cell / width * width;
                var weights = keyValues.Take(t + 1).Select(kv => Math.Exp(Enumerable.Range(head, width).Sum(i => queries[t][i] * kv[i]) / Math.Sqrt(width))).ToArray();
                seen[t][cell] = weights.Zip(keyValues, (w, kv) => w * kv[Dimension + cell]).Sum() / weights.Sum();
            }
        }

        return Apply(attention.Output, seen);
    }

    private static double[][] Norm(LayerNorm norm, double[][] x) =>
        [.. x.Select(row =>
        {
            var mean = row.Average();
            var deviation = Math.Sqrt(row.Average(v => (v - mean) * (v - mean)) + 1e-5);
            return row.Select((v, i) => ((v - mean) / deviation * norm.weight![i].item<float>()) + norm.bias![i].item<float>()).ToArray();
        })];

    private static double[][] Apply(Linear linear, double[][] x)
    {
        var weight = Rows(linear.weight!);
        return [.. x.Select(row => weight.Select((w, o) => w.Zip(row, (a, b) => a * b).Sum() + linear.bias![o].item<float>()).ToArray())];
    }

    private static double[][] Map(double[][] x, Func<double, double> f) => [.. x.Select(row => row.Select(f).ToArray())];

    private static double[][] Sum(double[][] x, double[][] y) => [.. x.Zip(y, (a, b) => a.Zip(b, (u, v) => u + v).ToArray())];

    private static double[][] Product(double[][] x, double[][] y) => [.. x.Zip(y, (a, b) => a.Zip(b, (u, v) => u * v).ToArray())];

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static void Randomise(nn.Module module)
    {
        using var guard = no_grad();
        foreach (var parameter in module.parameters())
            parameter.normal_(0, 0.7);
    }

    private static double[][] Evaluate(nn.Module<Tensor, Tensor> module, Tensor input)
    {
        using var guard = no_grad();
        module.eval();
        return Rows(module.call(input)[0]);
    }

    private static double[][] Rows(Tensor matrix) =>
        [.. Enumerable.Range(0, (int)matrix.shape[0]).Select(r => matrix[r].contiguous().data<float>().ToArray().Select(v => (double)v).ToArray())];

    private static void Close(double[][] expected, double[][] actual) =>
        Assert.All(expected.SelectMany(r => r).Zip(actual.SelectMany(r => r)), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
}
