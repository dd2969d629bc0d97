using RecoServe.Engine.Traffic;

namespace RecoServe.Engine.Tests.Traffic;

public sealed class BinomialTailTests
{
    [Theory]
    [InlineData(3, 2, 0.5, 0.5)]
    [InlineData(3, 3, 0.5, 0.125)]
    [InlineData(10, 1, 0.1, 0.6513215599)]
    [InlineData(100, 10, 0.01, 7.631982e-8)]
    [InlineData(100, 60, 0.5, 0.02844396682)]
    [InlineData(1000, 150, 0.1, 4.48944e-7)]
    public void AtLeast_Known_IsTheTail(int n, int k, double p, double expected) =>
        Assert.Equal(1, BinomialTail.AtLeast(n, k, p) / expected, 2e-3);

    [Fact]
    public void AtLeast_Sums_AreOfTheTermsByDefinition()
    {
        for (var k = 0; k <= 20; k++)
        {
            var expected = 0.0;
            for (var i = k; i <= 20; i++)
                expected += Choose(20, i) * Math.Pow(0.3, i) * Math.Pow(0.7, 20 - i);
            Assert.Equal(expected, BinomialTail.AtLeast(20, k, 0.3), 1e-12);
        }
    }

    [Theory]
    [InlineData(0, 0, 0.5, 1)]
    [InlineData(5, 0, 0, 1)]
    [InlineData(5, 1, 0, 0)]
    [InlineData(5, 5, 1, 1)]
    [InlineData(5, 6, 0.5, 0)]
    public void AtLeast_Edges_AreExact(int n, int k, double p, double expected) => Assert.Equal(expected, BinomialTail.AtLeast(n, k, p));

    private static double Choose(int n, int k) => Enumerable.Range(1, k).Aggregate(1.0, (product, i) => product * (n - k + i) / i);
}
