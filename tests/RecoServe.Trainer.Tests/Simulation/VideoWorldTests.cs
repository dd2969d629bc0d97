using System.Text.RegularExpressions;
using RecoServe.Trainer.Simulation;

namespace RecoServe.Trainer.Tests.Simulation;

public sealed partial class VideoWorldTests
{
    private static readonly VideoWorld World = VideoWorld.Create(new SimulationOptions());

    [Fact]
    public void Create_Default_IsLargeEnough()
    {
        Assert.Equal(3200, World.Videos.Count);
        Assert.Equal(20, World.Categories.Count);
        Assert.InRange(World.Channels.Count, 240, 260);
        Assert.Equal(World.Channels.Count, World.Channels.Select(c => c.Name).Distinct().Count());
        Assert.Equal(Market.Languages.Count, World.Videos.Select(v => v.Language).Distinct().Count());
        Assert.All(World.ByChannel, videos => Assert.NotEmpty(videos));
    }

    [Theory]
    [InlineData(200, 7)]
    [InlineData(3200, 28)]
    [InlineData(20_000, 28)]
    public void Create_AnySize_TitlesAreUniqueAndReadable(int videos, int days)
    {
        var world = VideoWorld.Create(new SimulationOptions { Videos = videos, Days = days });

        Assert.Equal(videos, world.Videos.Select(v => v.Title).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.All(world.Videos, v => Assert.Matches(Readable(), v.Title));
    }

    [Fact]
    public void Create_Default_NoTitleNeedsANumberToBeUnique() =>
        Assert.DoesNotContain(World.Videos, v => v.Title.Contains(", Take ", StringComparison.Ordinal));

    [Fact]
    public void Create_PremiumShare_IsAFifth() =>
        Assert.Equal(0.2, World.Videos.Average(v => v.Premium ? 1.0 : 0.0), 0.005);

    [Fact]
    public void Create_Fame_IsZipfAndOnlyPartlyQuality()
    {
        var byFame = World.Videos.OrderByDescending(v => v.Fame).ToArray();

        Assert.Equal(0.8 * Math.Log(100), byFame[0].Fame - byFame[99].Fame, 1e-9);
        Assert.Equal(0, World.Videos.Average(v => v.Fame), 1e-9);
        Assert.InRange(Correlation([.. World.Videos.Select(v => v.Fame)], [.. World.Videos.Select(v => v.Quality)]), 0.2, 0.8);
    }

    [Fact]
    public void Create_Series_PartsFollowEachOther()
    {
        var episodes = World.Videos.Where(v => v.NextEpisode != Video.None).ToArray();
        Assert.InRange(episodes.Length, 600, 1800);
        Assert.All(episodes, video =>
        {
            var next = World.Videos[video.NextEpisode];
            Assert.Equal((video.Series, video.Channel, video.Category, video.Premium), (next.Series, next.Channel, next.Category, next.Premium));
            Assert.Equal(PartOf(video) + 1, PartOf(next));
            Assert.True(next.ReleaseDay > video.ReleaseDay);
            Assert.StartsWith(video.Series, video.Title, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Create_ReleaseDays_AreBeforeTheLastDay() =>
        Assert.All(World.Videos, v => Assert.InRange(v.ReleaseDay, -180, 26));

    [Fact]
    public void Related_OtherVideosInTheSameLanguage()
    {
        Assert.InRange(World.Related.Average(r => r.Length), 4, 6);
        for (var i = 0; i < World.Videos.Count; i++)
        {
            Assert.DoesNotContain(i, World.Related[i]);
            Assert.All(World.Related[i], j => Assert.Equal(World.Videos[i].Language, World.Videos[j].Language));
        }
    }

    private static int PartOf(Video video) => int.Parse(Part().Match(video.Title).Groups[1].ValueSpan, null);

    private static double Correlation(double[] x, double[] y)
    {
        var (mx, my) = (x.Average(), y.Average());
        var covariance = x.Zip(y).Sum(p => (p.First - mx) * (p.Second - my));
        return covariance / Math.Sqrt(x.Sum(v => (v - mx) * (v - mx)) * y.Sum(v => (v - my) * (v - my)));
    }

    [GeneratedRegex("^[A-Z][A-Za-z',:]*( [A-Za-z0-9',:]+)+$")]
    private static partial Regex Readable();

    [GeneratedRegex(", Part ([0-9]+): ")]
    private static partial Regex Part();
}
