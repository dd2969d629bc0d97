using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

public sealed class PrefixSelectionTests
{
    public static TheoryData<string> Kinds => [.. Rows.Kinds, "ramp", "steps", "outliers"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Select_ByNumber_IsTheRankingsPrefix(string kind)
    {
        foreach (var count in new[] { 1, 2, 31, 32, 33, 100, 1000, 5000 })
        {
            var logits = Make(kind, count);
            float[] ranked = [.. logits.OrderDescending()];
            foreach (var wanted in new[] { 1, 2, count / 3, count - 1, count }.Where(w => w > 0 && w <= count))
            {
                foreach (var (low, high) in new[] { (float.NegativeInfinity, float.PositiveInfinity), (logits.Min(), MathF.BitIncrement(logits.Max())) })
                {
                    var cut = Select(logits, low, high, wanted, single: null, Softmax.Ones);
                    Assert.Equal(new PrefixCut(wanted, wanted, ranked[wanted - 1], ranked[..wanted].Count(Tied), ranked.Count(Tied)), cut);
                    bool Tied(float logit) => logit == ranked[wanted - 1];
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Select_ByMass_IsTheSmallestPrefixThatHasIt(string kind)
    {
        var logits = Make(kind, 3000);
        float[] ranked = [.. logits.OrderDescending()];
        var single = SingleWeights.RelativeTo(ranked[0], 1);
        var softmax = new Softmax(single.Reference, 1, 1);
        double[] masses = [.. ranked.Select(softmax.Weight)];
        for (var i = 1; i < masses.Length; i++)
            masses[i] += masses[i - 1];
        foreach (var share in new[] { 1e-6, 0.1, 0.5, 0.9, 0.99 })
        {
            var goal = share * masses[^1];
            var cut = Select(logits, logits.Min(), MathF.BitIncrement(ranked[0]), goal, single, softmax);
            var margin = 2e-7 * masses[^1];
            Assert.InRange(masses[cut.Count - 1], goal - margin, double.PositiveInfinity);
            Assert.InRange(cut.Count == 1 ? 0 : masses[cut.Count - 2], 0, goal + margin);
            Assert.Equal(masses[cut.Count - 1], cut.Mass, margin);
        }
    }

    [Fact]
    public void Select_MoreThanThereIs_TakesAll()
    {
        var cut = Select(Make("gauss1", 777), -10, 10, 800, single: null, Softmax.Ones);
        Assert.Equal((777, 777), (cut.Count, cut.Mass));
    }

    /// <summary>By mass; by number if there are no weights.</summary>
    private static PrefixCut Select(float[] logits, float low, float high, double goal, SingleWeights? single, Softmax exact)
    {
        var length = logits.Length + LogitList.Slack;
        var list = new LogitList(new float[length], new float[length]);
        logits.CopyTo(list.Extend(logits.Length));
        if (single is { } weights)
            list.Weigh(weights);
        else
            list.WeighEqually();
        return PrefixSelection.Select(list, low, high, goal, exact, new LogitList(new float[length], new float[length]));
    }

    private static float[] Make(string kind, int count) => kind switch
    {
        "ramp" => [.. Enumerable.Range(0, count).Select(i => i / 100f)],
        "steps" => [.. Enumerable.Range(0, count).Select(i => i / 300 * -0.5f)],
        "outliers" => [.. Enumerable.Range(0, count).Select(i => i % 97 == 3 ? 30 + (i / 1000f) : i % 7 * 1e-6f)],
        "holes" => [.. Rows.Make(kind, 3 * count + 40, count).Where(float.IsFinite).Take(count)],
        _ => Rows.Make(kind, count, count)[1..],
    };
}
