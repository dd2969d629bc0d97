using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

public sealed class SoftmaxTests
{
    [Fact]
    public void LogSumExp_EveryLength_EqualsTheScalarSum()
    {
        foreach (var kind in Rows.Kinds)
        {
            for (var items = 1; items <= 256; items++)
            {
                var row = Rows.Make(kind, items, items);
                var max = row.Max(l => (double)l);
                var expected = double.IsNegativeInfinity(max) ? max : max + Math.Log(row.Sum(l => Math.Exp(l - max)));
                Assert.Equal(expected, NucleusSampler.LogSumExp(row), 1e-12 * Math.Max(1, Math.Abs(expected)));
            }
        }
    }

    [Fact]
    public void LogSumExp_MillionItems_DoesNotDrift()
    {
        var row = Rows.Make("equal", 1_000_000, 0);
        Assert.Equal(Math.Log(1e6) - 1.25, NucleusSampler.LogSumExp(row), 1e-14 * 20);
    }

    [Fact]
    public void LogSumExp_EdgeRows()
    {
        Assert.Equal(double.NegativeInfinity, NucleusSampler.LogSumExp([]));
        Assert.Equal(double.NegativeInfinity, NucleusSampler.LogSumExp(Rows.Of(float.NegativeInfinity)));
        Assert.Equal(1000 + Math.Log(2), NucleusSampler.LogSumExp(Rows.Of(1000, 1000)), 1e-12);
        Assert.Equal(-1000 + Math.Log(2), NucleusSampler.LogSumExp(Rows.Of(-1000, -1000)), 1e-12);
        Assert.Equal(float.MaxValue, NucleusSampler.LogSumExp(Rows.Of(float.MaxValue, float.MinValue)));
        Assert.Equal(2, Assert.Throws<InvalidLogitsException>(() => NucleusSampler.LogSumExp(Rows.Of(1, float.NaN))).Item);
        Assert.Equal(1, Assert.Throws<InvalidLogitsException>(() => NucleusSampler.LogSumExp(Rows.Of(float.PositiveInfinity, float.NaN))).Item);
    }

    [Fact]
    public void Weigh_EveryLength_EqualsScalarExp()
    {
        for (var length = 0; length <= 256; length++)
        {
            var logits = Rows.Make("wide", length, length).AsSpan(1).ToArray();
            var weights = new double[length];
            foreach (var temperature in new[] { 1e-3, 1, 7 })
            {
                Softmax.Weigh(logits, 1000, temperature, weights);
                for (var i = 0; i < length; i++)
                    Assert.Equal(Math.Exp((logits[i] - 1000.0) / temperature), weights[i], 1e-15);
            }
        }
    }

    [Fact]
    public void OrderedSum_EveryLength_EqualsExactSum()
    {
        var random = new Random(5);
        for (var length = 0; length <= 2100; length += length < 256 ? 1 : 61)
        {
            // Multiples of 2⁻²⁰: every partial sum is exact, in whatever order.
            var integers = Enumerable.Range(0, length).Select(_ => (long)random.Next()).ToArray();
            Assert.Equal(integers.Sum() / 1048576.0, OrderedSum.Of([.. integers.Select(n => n / 1048576.0)]));
        }
    }

    [Fact]
    public void CompensatedSum_TenMillionTenths_IsExact()
    {
        var sum = default(CompensatedSum);
        for (var i = 0; i < 10_000_000; i++)
            sum.Add(0.1);
        Assert.Equal(1e6, sum.Value, 1e-9); // a plain sum is off by 1.6e-4
    }
}
