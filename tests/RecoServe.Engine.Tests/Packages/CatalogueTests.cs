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

    [Fact]
    public void Write_FieldWithTab_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        var catalogue = Catalogue.Create(["a"], new Dictionary<string, IReadOnlyList<string>> { ["title"] = ["x\ty"] });
        Assert.Throws<PackageException>(() => catalogue.Write(directory.File("catalogue.tsv")));
    }
}
