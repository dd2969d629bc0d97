using RecoServe.Trainer.Simulation;

namespace RecoServe.Trainer.Tests.Simulation;

public sealed class RandomStreamTests
{
    [Fact]
    public void NextDouble_SameKey_SameNumbers()
    {
        var (a, b) = (new RandomStream(7, StreamPurpose.Viewer, 3), new RandomStream(7, StreamPurpose.Viewer, 3));

        Assert.All(Enumerable.Range(0, 100), _ => Assert.Equal(a.NextDouble(), b.NextDouble()));
    }

    [Fact]
    public void NextDouble_NeighbouringKeys_FirstNumbersUniform()
    {
        var bins = new double[20];
        for (var seed = 0; seed < 20; seed++)
        {
            for (var entity = 0; entity < 1000; entity++)
                bins[(int)(20 * new RandomStream(seed, StreamPurpose.Viewing, entity).NextDouble())]++;
        }

        Assert.InRange(ChiSquare.ZScore(bins, [.. bins.Select(_ => 1000.0)]), -4, 4);
    }

    [Fact]
    public void NextIndex_Weights_FrequenciesFollow()
    {
        var random = new RandomStream(1, StreamPurpose.World);
        double[] weights = [0, 1, 2, 0, 5, 2, 0];
        var counts = new double[weights.Length];
        for (var n = 0; n < 10_000; n++)
            counts[random.NextIndex(weights)]++;

        Assert.Equal(0, counts[0] + counts[3] + counts[6]);
        Assert.InRange(ChiSquare.ZScore([counts[1], counts[2], counts[4], counts[5]], [1000, 2000, 5000, 2000]), -4, 4);
    }

    [Fact]
    public void NextNormal_ManyDraws_MeanZeroVarianceOne()
    {
        var random = new RandomStream(1, StreamPurpose.World);
        var draws = Enumerable.Range(0, 100_000).Select(_ => random.NextNormal()).ToArray();

        Assert.Equal(0, draws.Average(), 0.02);
        Assert.Equal(1, draws.Average(d => d * d), 0.03);
    }
}
