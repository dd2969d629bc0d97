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
        using var block = new SasrecBlock(Shape(heads), 0.5);
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
        using var block = new LigrBlock(Shape(heads), 0.5);
        Randomise(block);
        var input = randn(1, Length, Dimension);
        Close(Ligr(block, Rows(input[0])), Evaluate(block, input));
    }

    /// <summary>One segment, full ones, and a last one with a single step.</summary>
    [Theory]
    [InlineData(1, 9)]
    [InlineData(2, 5)]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    [InlineData(2, 4)]
    public void SegmentAttention_TinyExample_IsTheFormula(int heads, int memory)
    {
        manual_seed(10).Dispose();
        using var scope = NewDisposeScope();
        using var block = new SasrecBlock(Shape(heads) with { Memory = memory }, 0.5);
        Randomise(block);
        var input = randn(1, Length, Dimension);
        Close(Sasrec(block, Rows(input[0])), Evaluate(block, input));
    }

    [Fact]
    public void SegmentAttention_Gradient_EndsAtTheSegment()
    {
        using var scope = NewDisposeScope();
        using var block = new LigrBlock(Shape(2) with { Memory = 2 }, 0);
        Randomise(block);
        var input = randn(1, 6, Dimension).requires_grad_();
        var last = block.call(input).narrow(1, 4, 2);
        last.mul(last).sum().backward();
        Assert.Equal(0, input.grad!.narrow(1, 0, 4).abs().max().item<float>());
        Assert.True(input.grad!.narrow(1, 4, 2).abs().min().item<float>() > 0);
    }

    [Fact]
    public void SegmentAttention_OlderSegments_AreKnownThroughTheBlockBelow()
    {
        using var scope = NewDisposeScope();
        using var encoder = new CausalTransformer(Shape(2) with { Layers = 2, Memory = 2 }, 0);
        Randomise(encoder);
        var input = randn(1, 8, Dimension);
        var last = Evaluate(encoder, input)[7];
        Assert.Equal([false, false, true, true, true, true, true, true], Enumerable.Range(0, 8).Select(step => Reaches(step, 7)));

        bool Reaches(int step, int target)
        {
            var changed = input.clone();
            changed.select(1, step).normal_();
            return !Evaluate(encoder, changed)[target].SequenceEqual(last);
        }
    }

    [Fact]
    public void Transformer_PositionsBlocksAndLastNorm_AreApplied()
    {
        manual_seed(9).Dispose();
        using var scope = NewDisposeScope();
        using var encoder = new CausalTransformer(Shape(2) with { Layers = 2 }, 0.5);
        Randomise(encoder);
        var input = randn(1, Length, Dimension);
        var x = Sum(Rows(input[0]), Rows(encoder.Positions!.narrow(0, 0, Length)));
        foreach (var block in encoder.Blocks.Cast<SasrecBlock>())
            x = Sasrec(block, x);
        Close(Norm(encoder.LastNorm, x), Evaluate(encoder, input));
    }

    private static NetworkShape Shape(int heads) => new(9, Dimension, 1, []) { Kind = NetworkKind.Sasrec, Heads = heads, MaxHistory = 9 };

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
                var weights = keyValues.Take(t + 1).Select((kv, step) => Weight(t, step, Enumerable.Range(head, width))).ToArray();
                seen[t][cell] = weights.Zip(keyValues, (w, kv) => w * kv[Dimension + cell]).Sum() / weights.Sum();
            }
        }

        return Apply(attention.Output, seen);

        double Weight(int t, int step, IEnumerable<int> cells) =>
            attention is SegmentAttention segments && step / segments.Segment < (t / segments.Segment) - 1
                ? 0
                : Math.Exp(cells.Sum(i => Score(t, step, i)) / Math.Sqrt(width));

        double Score(int t, int step, int i)
        {
            if (attention is not SegmentAttention segments)
                return queries[t][i] * keyValues[step][i];
            var (u, v) = (Rows(segments.ContentBias)[i / width][i % width], Rows(segments.DistanceBias)[i / width][i % width]);
            var distance = Rows(segments.Distance.weight!)[i].Select((w, cell) => w * Sinusoid(t - step, cell)).Sum();
            return ((queries[t][i] + u) * keyValues[step][i]) + ((queries[t][i] + v) * distance);
        }
    }

    private static double Sinusoid(int distance, int cell) =>
        cell < Dimension / 2 ? Math.Sin(distance * Math.Pow(10_000, -2.0 * cell / Dimension)) : Math.Cos(distance * Math.Pow(10_000, (-2.0 * cell / Dimension) + 1));

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
