using RecoServe.Trainer.Simulation;

namespace RecoServe.Trainer.Tests.Simulation;

public sealed class LoggingPolicyTests
{
    private const int Slates = 20_000;

    private static readonly WatchSimulation Simulation = new(new SimulationOptions { Seed = 5, Users = 1, Videos = 300, Days = 7 });
    private static readonly int WatchedCategory = Simulation.World.Videos.CountBy(v => v.Category).MaxBy(c => c.Value).Key;
    private static readonly Moment Moment = new(3, 20, Device.Tablet);

    [Fact]
    public void Draw_FixedState_PropensitiesAreTheFormula()
    {
        var (viewer, state) = SomeViewer();
        var random = new RandomStream(1, StreamPurpose.Viewing);
        for (var n = 0; n < 200; n++)
        {
            var (videos, propensities) = Simulation.Policy.Draw(viewer, state, Moment, random);
            for (var s = 0; s < videos.Length; s++)
                Assert.Equal(Law(viewer, state, videos.AsSpan(0, s))[videos[s]], propensities[s], 1e-12);
        }
    }

    [Fact]
    public void Draw_FixedState_FirstSlotFrequenciesAreThePropensities()
    {
        var (viewer, state) = SomeViewer();
        var counts = new double[300];
        foreach (var (videos, _) in DrawMany(viewer, state))
            counts[videos[0]]++;

        var law = Law(viewer, state, []);
        var open = Enumerable.Range(0, 300).Where(i => law[i] > 0).ToArray();
        Assert.Equal(Slates, open.Sum(i => counts[i]));
        Assert.InRange(ChiSquare.ZScore([.. open.Select(i => counts[i])], [.. open.Select(i => Slates * law[i])]), -4, 4);
    }

    // The last slot's conditional law differs from slate to slate: sum what it says of each video and compare with the counts.
    [Fact]
    public void Draw_FixedState_LastSlotFrequenciesAreThePropensities()
    {
        var (viewer, state) = SomeViewer();
        var expected = new double[300];
        var variance = new double[300];
        var counts = new double[300];
        foreach (var (videos, _) in DrawMany(viewer, state).Take(5000))
        {
            counts[videos[^1]]++;
            var law = Law(viewer, state, videos.AsSpan(0, videos.Length - 1));
            for (var i = 0; i < law.Length; i++)
            {
                expected[i] += law[i];
                variance[i] += law[i] * (1 - law[i]);
            }
        }

        var open = Enumerable.Range(0, 300).Where(i => expected[i] > 5).ToArray();
        var statistic = open.Sum(i => Math.Pow(counts[i] - expected[i], 2) / variance[i]);
        Assert.InRange(open.Length, 100, 300);
        Assert.InRange(ChiSquare.ZScore(statistic, open.Length), -4, 4);
    }

    [Fact]
    public void Draw_AnyState_ShowsOnlyOpenVideosOnce()
    {
        var (viewer, state) = SomeViewer();
        foreach (var (videos, propensities) in DrawMany(viewer, state).Take(2000))
        {
            Assert.Equal(Simulation.PolicyParameters.SlateSizes[(int)Device.Tablet], videos.Distinct().Count());
            Assert.All(videos, i => Assert.True(state.IsOpen(i, Moment.Day, Simulation.World)));
            Assert.All(propensities, p => Assert.InRange(p, double.Epsilon, 1));
        }
    }

    [Fact]
    public void Draw_HistoryInACategory_ShowsMoreOfIt()
    {
        var (viewer, fan) = SomeViewer();
        var others = Enumerable.Range(0, 300)
            .Where(i => Simulation.World.Videos[i].Category == WatchedCategory && !fan.Watched.Contains(i))
            .ToHashSet();
        int Shown(ViewingState state) => DrawMany(viewer, state).Take(2000).Sum(s => s.Videos.Count(others.Contains));

        var (toFan, toNewcomer) = (Shown(fan), Shown(new ViewingState()));
        Assert.True(toFan > 2 * toNewcomer, $"{toFan} to a viewer of the category, {toNewcomer} to a newcomer");
    }

    private static IEnumerable<(int[] Videos, double[] Propensities)> DrawMany(Viewer viewer, ViewingState state)
    {
        var random = new RandomStream(2, StreamPurpose.Viewing);
        for (var n = 0; n < Slates; n++)
            yield return Simulation.Policy.Draw(viewer, state, Moment, random);
    }

    private static (Viewer Viewer, ViewingState State) SomeViewer()
    {
        var state = new ViewingState();
        var world = Simulation.World;
        var watched = Enumerable.Range(0, 300).Where(i => world.Videos[i].ReleaseDay <= 0 && world.Videos[i].Category == WatchedCategory);
        foreach (var i in watched.Take(6))
            state.Add(i, 1, world);
        return (Viewer.Create(world, new SimulationOptions { Seed = 5, Videos = 300, Days = 7 }, 0), state);
    }

    /// <summary>The policy as docs/simulator.md writes it, one video after the other.</summary>
    private static double[] Law(Viewer viewer, ViewingState state, ReadOnlySpan<int> earlier)
    {
        var p = Simulation.PolicyParameters;
        var world = Simulation.World;
        var weights = new double[world.Videos.Count];
        for (var i = 0; i < weights.Length; i++)
        {
            var video = world.Videos[i];
            if (!state.IsOpen(i, Moment.Day, world) || earlier.Contains(i))
                continue;
            var same = state.History.TakeLast(p.CategoryWindow).Count(h => world.Videos[h].Category == video.Category);
            var share = same / (double)p.CategoryWindow;
            var age = Moment.Day - video.ReleaseDay;
            var score = Simulation.Policy.Scores[i] + (p.Recency * Math.Pow(2, -age / world.Categories[video.Category].HalfLifeDays))
                + (p.CategoryMatch * share) + (viewer.Languages.Contains(video.Language) ? p.LanguageMatch : 0);
            weights[i] = Math.Exp(score / p.Temperature);
        }

        var (total, open) = (weights.Sum(), weights.Count(w => w > 0));
        return [.. weights.Select(w => w == 0 ? 0 : (p.Epsilon / open) + ((1 - p.Epsilon) * w / total))];
    }
}
