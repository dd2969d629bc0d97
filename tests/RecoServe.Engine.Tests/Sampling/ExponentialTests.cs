using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

public sealed class ExponentialTests
{
    [Fact]
    public void Of_WholeRange_IsCloseToMathExp()
    {
        for (var i = 0; i <= 1_000_000; i += 2)
        {
            var x = i <= 500_000 ? -7.46e-4 * (i * 2) : -Math.Pow(10, (i - 1_000_000) / 50_000.0);
            var (expected, actual) = (Math.Exp(x), Exponential.Of(x));
            var tolerance = Math.Max(4e-16 * expected, 2 * double.Epsilon);
            Assert.True(Math.Abs(expected - actual) <= tolerance, $"exp({x:R}) is {expected:R}, not {actual:R}");
        }
    }

    [Fact]
    public void Of_Edges()
    {
        Assert.Equal(1, Exponential.Of(0));
        Assert.Equal(1, Exponential.Of(-0.0));
        Assert.Equal(1, Exponential.Of(-double.Epsilon));
        Assert.Equal(double.Epsilon, Exponential.Of(-745));
        Assert.Equal(0, Exponential.Of(-746));
        Assert.Equal(0, Exponential.Of(double.MinValue));
        Assert.Equal(0, Exponential.Of(double.NegativeInfinity));
        Assert.Equal(Math.Exp(699), Exponential.Of(699), 1e289);
    }

    [Fact]
    public void Weigh_EveryLength_HasTheBitsOfTheScalar()
    {
        for (var length = 0; length <= 256; length++)
        {
            var logits = Rows.Make("wide", length, length)[1..];
            var weights = new double[length];
            Softmax.Weigh(logits, 1000, 3, weights);
            Assert.Equal(logits.Select(l => Exponential.Of((l - 1000.0) * (1.0 / 3))), weights);
        }
    }

    /// <summary>The bits must be these on every machine, with whatever vectors, and before and after the JIT optimises.</summary>
    [Fact]
    public void Weigh_AtAnyTime_GivesTheSameBits()
    {
        for (var round = 0; round < 200; round++)
        {
            float[] logits = [.. Enumerable.Range(0, 997).Select(i => -i * i * 7.3e-4f)];
            var weights = new double[logits.Length];
            Softmax.Weigh(logits, 0, 1, weights);
            var hash = weights.Aggregate(0UL, (h, value) => (h * 0x100000001B3) ^ BitConverter.DoubleToUInt64Bits(value));
            Assert.Equal(4579233781051493977UL, hash);
        }
    }
}
