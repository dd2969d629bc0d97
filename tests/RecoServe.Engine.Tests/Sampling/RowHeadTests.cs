using System.Runtime.Intrinsics;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

public sealed class RowHeadTests
{
    [Fact]
    public void RowHead_TiesAndNothingEligible_OrdersTheMaxima()
    {
        var random = new Random(1);
        for (var repeat = 0; repeat < 1000; repeat++)
        {
            var maxima = Enumerable.Range(0, 16).Select(_ => random.Next(4) == 0 ? float.NegativeInfinity : random.Next(6)).ToArray();
            var memory = Enumerable.Repeat(float.NaN, 16).ToArray();
            _ = new RowHead(Vector512.Create(maxima), 0.5, memory);
            Assert.Equal(maxima.Order(), memory);
        }
    }
}
