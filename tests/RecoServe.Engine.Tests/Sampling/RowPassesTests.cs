using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

public sealed class RowPassesTests
{
    private static readonly (float Reference, double Temperature)[] Scales = [(0, 1), (3.7f, 0.7), (-2, 31), (1000, 1)];

    public static TheoryData<string> Kinds => [.. Rows.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Weigh_EveryLength_HasTheBitsOfTheScalar(string kind)
    {
        foreach (var (reference, temperature) in Scales)
        {
            var single = SingleWeights.RelativeTo(reference, temperature);
            foreach (var (logits, low, high) in Pieces(kind))
            {
                var weights = new float[logits.Length];
                AssertBits(ScalarPasses.Sum(logits, reference, temperature, high).Total, RowPasses.Weigh(logits, single, weights));
                Assert.Equal(logits.Select(l => ScalarPasses.Weight(l, reference, temperature)), weights);

                var thresholds = default(Four<float>);
                (thresholds[0], thresholds[1], thresholds[2], thresholds[3]) = (high, low, float.PositiveInfinity, high);
                var sums = RowPasses.SumAtOrAbove(logits, weights, thresholds);
                AssertBits(ScalarPasses.Sum(logits, reference, temperature, high).Above, sums[0]);
                AssertBits(ScalarPasses.Sum(logits, reference, temperature, low).Above, sums[1]);
                Assert.Equal(0, sums[2]);
                AssertBits(sums[0], sums[3]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void List_EveryLength_ListsWhatALoopLists(string kind)
    {
        foreach (var (logits, low, high) in Pieces(kind))
        {
            float[] expected = [.. logits.Where(l => l >= low && l < high)];
            var list = new float[logits.Length + Compaction.Slack];
            var above = 5;
            Assert.Equal(expected, list[..ThresholdPasses.List(logits, low, high, list, ref above)]);
            Assert.Equal(5 + logits.Count(l => l >= high), above);
            Assert.Equal(logits.Count(l => l >= low), ThresholdPasses.Count(logits, low));
            var aboveLow = MathF.BitIncrement(low);
            Assert.Equal(0, ThresholdPasses.List(logits, aboveLow, aboveLow, list, ref above));

            above = 5;
            var single = SingleWeights.RelativeTo(0, 1);
            var sums = RowPasses.SumAndList(logits, single, low, high, list, out var listed, ref above);
            Assert.Equal(expected, list[..listed]);
            Assert.Equal(5 + logits.Count(l => l >= high), above);
            var expectedSums = ScalarPasses.Sum(logits, 0, 1, high);
            AssertBits(expectedSums.Below, sums.Below);
            AssertBits(expectedSums.Above, sums.Above);
            Assert.Equal(logits.Length == 0 ? float.NegativeInfinity : logits.Max(), sums.Max);
            Assert.Equal(sums, RowPasses.SumSides(logits, single, high));
            _ = RowPasses.SumAndList(logits, single, aboveLow, aboveLow, list, out listed, ref above);
            Assert.Equal(0, listed);

            int[] stepsWithAny = [.. Enumerable.Range(0, logits.Length).Where(i => logits[i] >= high).Select(i => 7 + (i / RowPasses.Step * RowPasses.Step)).Distinct()];
            var steps = new int[(logits.Length / RowPasses.Step) + 1];
            var few = RowPasses.SumAndFind(logits, 7, single, high, steps, out var found);
            AssertBits(ScalarPasses.Sum([.. logits.Select(l => Math.Min(l, high))], 0, 1, high).Total, few.Below);
            Assert.Equal(sums.Max, few.Max);
            Assert.Equal(stepsWithAny, steps[..found]);
            Assert.Equal(stepsWithAny, steps[..ThresholdPasses.Find(logits, 7, high, steps)]);
            var fewItems = new ItemList(new float[logits.Length + ItemList.Slack], new int[logits.Length + ItemList.Slack]);
            fewItems.AppendFew(logits, 7, high, stepsWithAny);
            int[] itemsAbove = [.. Enumerable.Range(0, logits.Length).Where(i => logits[i] >= high).Select(i => i + 7)];
            Assert.Equal(itemsAbove, fewItems.Items.ToArray());
            Assert.Equal([.. logits.Where(l => l >= high)], fewItems.Logits.ToArray());
            Assert.Equal([.. steps[..found].Select(step => itemsAbove.Count(item => item < step))], stepsWithAny);

            // In place, with a weight for each.
            var inPlace = logits.Concat(new float[Compaction.Slack]).ToArray();
            var weights = inPlace.Select(l => 2 * l).ToArray();
            above = 5;
            var kept = ThresholdPasses.List(inPlace.AsSpan(0, logits.Length), weights, low, high, inPlace, weights, ref above);
            Assert.Equal(5 + logits.Count(l => l >= high), above);
            Assert.Equal(expected, inPlace[..kept]);
            Assert.Equal(expected.Select(l => 2 * l), weights[..kept]);

            var items = new ItemList(new float[logits.Length + ItemList.Slack], new int[logits.Length + ItemList.Slack]);
            items.Append(logits, 7, low);
            Assert.Equal([.. Enumerable.Range(0, logits.Length).Where(i => logits[i] >= low).Select(i => i + 7)], items.Items.ToArray());
            Assert.Equal([.. logits.Where(l => l >= low)], items.Logits.ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Neighbours_EveryLength_AreWhatALoopFinds(string kind)
    {
        foreach (var (logits, low, _) in Pieces(kind))
        {
            var list = new LogitList(new float[logits.Length + LogitList.Slack], new float[logits.Length + LogitList.Slack]);
            var above = 0;
            list.Append(logits, float.MinValue, float.PositiveInfinity, ref above);
            list.WeighEqually();
            Assert.Equal(logits.Count(l => l >= low), list.CountAtOrAbove(low));
            Assert.Equal(logits.Count(l => l == low), list.CountOf(low));
            Assert.Equal(logits.Where(l => l > low).DefaultIfEmpty(float.PositiveInfinity).Min(), list.LeastAbove(low));
            Assert.Equal(logits.Where(l => l < low).DefaultIfEmpty(float.NegativeInfinity).Max(), list.LargestBelow(low));
            int[] ties = [.. Enumerable.Range(0, logits.Length).Where(i => logits[i] == low)];
            for (var number = 1; number <= ties.Length; number++)
                Assert.Equal(ties[number - 1], ThresholdPasses.PositionOf(logits, low, number));
        }
    }

    [Fact]
    public void Weights_WholeRange_AreCloseToExp()
    {
        for (var i = 0; i < 100_000; i++)
        {
            var logit = (i - 50_000) / 700f;
            var weight = WeightOf(logit, SingleWeights.RelativeTo(0, 1));
            Assert.True(Math.Abs((weight / Math.Exp(logit)) - 1) < 1.2e-7, $"exp({logit:R}) is not {weight:R}");
        }
    }

    [Fact]
    public void Weights_Edges()
    {
        var single = SingleWeights.RelativeTo(0, 1);
        Assert.Equal(1, WeightOf(0, single));
        Assert.Equal(1, WeightOf(-0f, single));
        foreach (var low in new[] { float.NegativeInfinity, float.MinValue, -1000, -87 })
            Assert.InRange(WeightOf(low, single), Math.ScaleB(0.99, -126), Math.ScaleB(1.01, -125));
        foreach (var bad in new[] { float.NaN, float.PositiveInfinity, BitConverter.Int32BitsToSingle(0x7FC00080), BitConverter.Int32BitsToSingle(-1) })
            Assert.Equal(double.NaN, WeightOf(bad, single));
        Assert.True(single.Covers(69));
        Assert.False(single.Covers(70));
    }

    [Fact]
    public void Sum_EqualWeights_DoesNotDrift()
    {
        foreach (var logit in new[] { -7f, 1.3574597f, -1.5079885f, 3 })
        {
            var logits = new float[1_024_000];
            Array.Fill(logits, logit);
            var sum = RowPasses.Weigh(logits, SingleWeights.RelativeTo(0, 1), new float[logits.Length]);
            Assert.Equal(1, sum / logits.Length / Math.Exp(logit), 1.2e-7);
        }
    }

    /// <summary>Whether a sum that is not finite is ∞ or NaN means nothing.</summary>
    private static void AssertBits(double expected, double actual) =>
        Assert.Equal(double.IsFinite(expected) ? expected : double.NaN, double.IsFinite(actual) ? actual : double.NaN);

    private static double WeightOf(float logit, in SingleWeights single)
    {
        var logits = new float[RowPasses.Step];
        Array.Fill(logits, logit);
        return RowPasses.Weigh(logits, single, new float[logits.Length]) / logits.Length;
    }

    /// <summary>Pieces of every length that passes take, with two thresholds in them.</summary>
    private static IEnumerable<(float[] Logits, float Low, float High)> Pieces(string kind)
    {
        for (var length = 0; length <= 1024; length += RowPasses.Step)
        {
            var logits = Rows.Make(kind, length, length)[1..];
            var sorted = logits.Where(float.IsFinite).Append(0).Order().ToArray();
            yield return (logits, sorted[sorted.Length / 3], Math.Max(sorted[2 * sorted.Length / 3], MathF.BitIncrement(sorted[sorted.Length / 3])));
        }
    }
}
