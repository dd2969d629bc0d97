using RecoServe.Engine.Stores;

namespace RecoServe.Engine.Tests.Stores;

public sealed class BucketListingTests
{
    [Fact]
    public void Of_Keys_AreSortedIntoVersions()
    {
        var listing = List("toy/10/manifest.json", "toy/2/scorer.onnx", "toy/2/.claim", "a/1/manifest.json", "toy/traffic.json");
        Assert.Equal([("a", 1, true), ("toy", 2, false), ("toy", 10, true)], listing.Versions.Select(v => (v.Name, v.Version, v.IsComplete)));
        Assert.Equal(["scorer.onnx"], listing.Find("toy", 2)!.Files.Keys);
    }

    /// <summary>Whoever may write keys must not name files outside the version's directory.</summary>
    [Theory]
    [InlineData("../toy/1/manifest.json")]
    [InlineData("toy/../1/manifest.json")]
    [InlineData("toy/1/../manifest.json")]
    [InlineData("toy/1/../../../etc/passwd")]
    [InlineData("../1/manifest.json")]
    [InlineData("./1/manifest.json")]
    [InlineData("/1/manifest.json")]
    [InlineData("toy//manifest.json")]
    [InlineData("toy/01/manifest.json")]
    [InlineData("toy/-1/manifest.json")]
    [InlineData("to\\y/1/manifest.json")]
    [InlineData("toy/1/sub/manifest.json")]
    public void Of_KeyThatNoPackageHas_IsLeftOut(string key) => Assert.Empty(List(key).Versions);

    [Theory]
    [InlineData("toy/1/..")]
    [InlineData("toy/1/")]
    [InlineData("toy/1/a\\..\\b")]
    [InlineData("toy/1/a\nb")]
    public void Of_FileThatNoPackageHas_IsNoFile(string key) => Assert.Empty(Assert.Single(List(key).Versions).Files);

    [Fact]
    public void Fingerprint_IsReadAgain()
    {
        var version = List("toy/3/manifest.json", "toy/3/scorer.onnx").Find("toy", 3)!;
        var again = BucketVersion.Parse("toy", 3, "p/", version.Fingerprint);
        Assert.Equal(version.Fingerprint, again.Fingerprint);
        Assert.Equal(version.Files, again.Files);
    }

    private static BucketListing List(params string[] keys) => BucketListing.Of("p/", keys.Select(k => new BucketObject($"p/{k}", 7, "e")));
}
