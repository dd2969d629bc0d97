using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

public sealed class InverseDistributionTests
{
    [Fact]
    public void Locate_EveryLengthAndPlace_IsWhatALoopFinds()
    {
        for (var length = 0; length <= 70; length++)
        {
            // Whole numbers, so that no sum is rounded; many weigh nothing, also at the ends and by eights.
            double[] weights = [.. Enumerable.Range(0, length).Select(i => i % 5 == 2 || i / 8 % 3 == 1 ? 0.0 : (i % 3) + 1)];
            for (var place = 0; place <= weights.Sum() + 1; place++)
            {
                var (expected, expectedRest) = Loop(weights, place);
                double rest = place;
                Assert.Equal(expected, InverseDistribution.Locate(weights, ref rest));
                if (place < weights.Sum())
                    Assert.Equal(expectedRest, rest);
                if (length != 64)
                    continue;
                rest = place;
                Assert.Equal(expected, InverseDistribution.Locate([.. weights.Select(w => (float)w)], ref rest));
            }
        }
    }

    private static (int Found, double Left) Loop(double[] weights, double rest)
    {
        var found = -1;
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] == 0)
                continue;
            found = i;
            if (rest < weights[i])
                break;
            rest -= weights[i];
        }

        return (found, rest);
    }
}
