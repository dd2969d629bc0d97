namespace RecoServe.Engine.Tests;

public sealed class PlaceholderTests
{
    [Fact]
    public void Skeleton_Builds_Runs() => Assert.True(File.Exists(typeof(Packages.Catalogue).Assembly.Location));
}
