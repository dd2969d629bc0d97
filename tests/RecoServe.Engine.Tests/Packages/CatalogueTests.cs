using CsCheck;
using RecoServe.Engine.Packages;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests.Packages;

public sealed class CatalogueTests
{
    [Fact]
    public void Read_WhatWasWritten_IsTheSame()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("catalogue.tsv");
        Catalogue.Create(["a", "b", "c"], new Dictionary<string, IReadOnlyList<string>>
        {
            ["title"] = ["Ä | b", "", "\"quoted\", with comma"],
            ["category"] = ["news|sport", "", "news"],
        }).Write(path);
        var read = Catalogue.Read(path);
        Assert.Equal(3, read.Count);
        Assert.Equal(["a", "b", "c"], new[] { 1, 2, 3 }.Select(read.IdOf));
        Assert.Equal(["Ä | b", "", "\"quoted\", with comma"], new[] { 1, 2, 3 }.Select(read.TitleOf));
        Assert.Equal(["category"], read.Attributes.Keys);
        Assert.Equal([1, 3], read.Attributes["category"].ItemsWith("news").ToArray());
        Assert.Equal(["news", "sport"], read.Attributes["category"].ValuesOf(1));
        Assert.Empty(read.Attributes["category"].ValuesOf(2));
        Assert.True(read.Attributes["category"].ItemsWith("opera").IsEmpty);
        Assert.True(read.TryGetIndex("b", out var index));
        Assert.Equal(2, index);
        Assert.False(read.TryGetIndex("", out _));
    }

    [Theory]
    [InlineData("item_id\ttitle\nx\n", "line 2 has 1 fields, the header has 2")]
    [InlineData("item_id\na\nb\na\n", "\"a\" stands twice, at index 1 and 3")]
    [InlineData("item_id\n\n", "index 1 has an empty id")]
    [InlineData("id\na\n", "line 1 must begin with item_id")]
    [InlineData("", "is empty")]
    public void Read_BadFile_NamesFileAndPlace(string text, string problem)
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("catalogue.tsv");
        File.WriteAllText(path, text);
        var e = Assert.Throws<PackageException>(() => Catalogue.Read(path));
        Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
    }

    /// <summary>Ids of any length and script, found by text and by index, as a dictionary has them; lines longer than any buffer.</summary>
    [Fact]
    public void Read_AnyIdsAndTitles_AreFoundAsADictionaryFindsThem()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("catalogue.tsv");
        var text = Gen.Char.Where(c => c is not ('\t' or '\n' or '\r') && !char.IsSurrogate(c)).Array[0, 40].Select(c => new string(c));
        var item = Gen.Select(text.Where(id => id.Length > 0), Gen.Int[0, 200_000], Gen.Int[0, 9]);
        item.Array[1, 200].Sample(
            items =>
            {
                var known = items.DistinctBy(i => i.Item1).ToArray();
                var titles = known.Select(i => i.Item3 == 0 ? new string('é', i.Item2) : $"{i.Item2}").ToArray();
                Catalogue.Create([.. known.Select(i => i.Item1)], new Dictionary<string, IReadOnlyList<string>> { ["title"] = titles }).Write(path);
                var read = Catalogue.Read(path, known.Length / 2);
                Assert.Equal(known.Length, read.Count);
                for (var i = 1; i <= known.Length; i++)
                {
                    Assert.Equal((known[i - 1].Item1, titles[i - 1]), (read.IdOf(i), read.TitleOf(i)));
                    Assert.True(read.TryGetIndex(known[i - 1].Item1, out var index));
                    Assert.Equal(i, index);
                    var other = known[i - 1].Item1 + "x";
                    var expected = Array.FindIndex(known, k => k.Item1 == other) + 1;
                    Assert.Equal(expected > 0, read.TryGetIndex(other, out index));
                    Assert.Equal(expected, index);
                }
            },
            iter: 30,
            threads: 1);
    }

    [Theory]
    [InlineData("\uFEFFitem_id\ttitle\r\nä\tone\r\nb\ttwo")]
    [InlineData("item_id\ttitle\nä\tone\nb\ttwo\n")]
    public void Read_LineEndsAndByteOrderMark_AreNoText(string text)
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("catalogue.tsv");
        File.WriteAllText(path, text);
        var read = Catalogue.Read(path);
        Assert.Equal([("ä", "one"), ("b", "two")], new[] { 1, 2 }.Select(i => (read.IdOf(i), read.TitleOf(i))));
    }

    [Fact]
    public void Read_NotUtf8_NamesTheLine()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.File("catalogue.tsv");
        File.WriteAllBytes(path, [.. "item_id\na\nb"u8, 0xFF, (byte)'\n']);
        Assert.Contains("line 3 is not valid UTF-8", Assert.Throws<PackageException>(() => Catalogue.Read(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_FieldWithTab_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        var catalogue = Catalogue.Create(["a"], new Dictionary<string, IReadOnlyList<string>> { ["title"] = ["x\ty"] });
        Assert.Throws<PackageException>(() => catalogue.Write(directory.File("catalogue.tsv")));
    }
}
