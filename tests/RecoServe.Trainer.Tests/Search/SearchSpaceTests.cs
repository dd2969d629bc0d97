using System.Globalization;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Search;
using RecoServe.Trainer.Tests.Data;

namespace RecoServe.Trainer.Tests.Search;

public sealed class SearchSpaceTests : IDisposable
{
    private readonly InputFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Draw_AnySeed_StaysInTheSpaceAndRepeats()
    {
        var space = Read("fit:\n  data: log.txt\nspace:\n  dimension: [16, 32]\n  layers: {from: 1, to: 3}\n  dropout: {from: 0, to: 0.5}\n  learning-rate: {from: 1e-4, to: 1e-2, scale: log}\n");

        var trials = space.Draw(400, seed: 7);

        Assert.Equal(trials.Select(t => string.Join(' ', t.Values)), space.Draw(400, seed: 7).Select(t => string.Join(' ', t.Values)));
        Assert.NotEqual(trials[0].Values, space.Draw(1, seed: 8)[0].Values);
        Assert.Equal(["16", "32"], trials.Select(t => t.Values[0]).Distinct().Order());
        Assert.Equal(["1", "2", "3"], trials.Select(t => t.Values[1]).Distinct().Order());
        Assert.All(trials, t => Assert.InRange(Number(t.Values[2]), 0, 0.5));
        Assert.All(trials, t => Assert.InRange(Number(t.Values[3]), 1e-4, 1e-2));
        // On a log scale half of the draws are below the geometric mean.
        Assert.InRange(trials.Count(t => Number(t.Values[3]) < 1e-3), 160, 240);
        // The middle of three whole numbers is as likely as the ends.
        Assert.InRange(trials.Count(t => t.Values[1] == "1"), 100, 170);
    }

    [Fact]
    public void Draw_SmallSpace_GivesEachSettingOnce() =>
        Assert.Equal(["1", "2", "3"], Read("space:\n  layers: [1, 2, 3]\n").Draw(10, seed: 1).Select(t => Assert.Single(t.Values)).Order());

    [Theory]
    [InlineData("space:\n  layers: 3\n", " line 2: layers must be a list of choices, or a range")]
    [InlineData("space:\n  layers: []\n", " line 2: layers must be a list of choices, or a range")]
    [InlineData("space:\n  a: [1]\n  layers: {from: 3, to: 1}\n", " line 3: layers must be a list of choices, or a range")]
    [InlineData("space:\n  layers: {from: 0, to: 1, scale: log}\n", " line 2: layers must be a list of choices, or a range")]
    [InlineData("space:\n  layers: {from: 0, to: 1, step: 2}\n", " line 2: layers must be a list of choices, or a range")]
    [InlineData("fit:\n  data: x\n", ": space is empty")]
    [InlineData("fit:\n  data: x\ntrials: 3\n", " line 3: a search space has fit and space, each with options below; not trials")]
    public void Read_BadSpace_NamesTheLine(string content, string expected) => Assert.StartsWith(
        _files.PathOf("space.yaml") + expected, Assert.Throws<DataException>(() => Read(content)).Message, StringComparison.Ordinal);

    private SearchSpace Read(string content) => SearchSpace.Read(_files.Write("space.yaml", content));

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
