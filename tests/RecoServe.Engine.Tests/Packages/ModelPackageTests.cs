using RecoServe.Engine.Packages;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests.Packages;

public sealed class ModelPackageTests : IDisposable
{
    private readonly TemporaryDirectory _repository = new();

    public static TheoryData<string> Files => [.. PackageFiles.Content];

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void Open_PublishedPackage_HasWhatWasWritten()
    {
        var model = new TestModel { Devices = ["tv"] };
        var package = ModelPackage.Open(model.Publish(_repository.Path));
        Assert.Equal(("toy", 1L, 20, 4), (package.Manifest.Name, package.Manifest.Version, package.Manifest.ItemCount, package.Manifest.Dimension));
        Assert.Equal(new ContextField("device", ["tv"]), Assert.Single(package.Manifest.ContextFields));
        Assert.Equal(20, package.Catalogue.Count);
        Assert.Equal(2, package.Probe.Cases.Count);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Open_FileChanged_SaysWhichIsDamaged(string file)
    {
        var directory = new TestModel().Publish(_repository.Path);
        PackageFixes.Corrupt(Path.Combine(directory, file));
        AssertRefused(directory, file, "is damaged");
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Open_FileCutShort_SaysWhichIsNotComplete(string file)
    {
        var directory = new TestModel().Publish(_repository.Path);
        PackageFixes.Truncate(Path.Combine(directory, file));
        AssertRefused(directory, file, "the copy is not complete");
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Open_FileMissing_SaysWhich(string file)
    {
        var directory = new TestModel().Publish(_repository.Path);
        File.Delete(Path.Combine(directory, file));
        AssertRefused(directory, file, "is missing");
    }

    [Theory]
    [InlineData("{", "is not valid")]
    [InlineData("{}", "is not valid")]
    [InlineData("null", "is empty")]
    public void Open_BadManifest_IsRefused(string text, string problem)
    {
        var directory = new TestModel().Publish(_repository.Path);
        File.WriteAllText(Path.Combine(directory, PackageFiles.Manifest), text);
        AssertRefused(directory, PackageFiles.Manifest, problem);
    }

    [Fact]
    public void Open_ManifestOfTheFuture_IsRefused()
    {
        var directory = new TestModel().Publish(_repository.Path);
        PackageFixes.RewriteManifest(directory, m => m with { Format = 99 });
        AssertRefused(directory, PackageFiles.Manifest, "has format 99");
    }

    [Fact]
    public void Open_MatrixOfAnotherShape_IsRefused()
    {
        var directory = new TestModel().Publish(_repository.Path);
        PackageFixes.RewriteManifest(directory, m => m with { Dimension = 5 });
        AssertRefused(directory, PackageFiles.ItemMatrix, "need 420");
    }

    [Fact]
    public void Open_CatalogueOfAnotherLength_IsRefused()
    {
        var directory = new TestModel().Publish(_repository.Path);
        File.AppendAllText(Path.Combine(directory, PackageFiles.Catalogue), "one-more\n");
        PackageFixes.RewriteManifest(directory);
        AssertRefused(directory, PackageFiles.Catalogue, "has 21 items, the manifest says 20");
    }

    [Fact]
    public void Publish_Again_TakesTheNextNumber()
    {
        var model = new TestModel();
        model.Publish(_repository.Path, 7);
        Assert.EndsWith("8", model.Publish(_repository.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void Publish_ExistingVersion_IsRefusedAndUntouched()
    {
        var directory = new TestModel().Publish(_repository.Path);
        var before = File.ReadAllText(Path.Combine(directory, PackageFiles.Manifest));
        Assert.Throws<PackageException>(() => new TestModel { Seed = 2 }.Publish(_repository.Path, 1));
        Assert.Equal(before, File.ReadAllText(Path.Combine(directory, PackageFiles.Manifest)));
    }

    [Fact]
    public void Publish_VerificationFails_LeavesNothingBehind()
    {
        var draft = ModelPackage.Open(new TestModel().Publish(_repository.Path)).Manifest;
        var source = Path.Combine(_repository.Path, "toy", "1");
        Assert.Throws<InvalidOperationException>(() => PackageWriter.Publish(
            _repository.Path, draft, null,
            directory => PackageFiles.Content.ToList().ForEach(f => File.Copy(Path.Combine(source, f), Path.Combine(directory, f))),
            _ => throw new InvalidOperationException("no")));
        Assert.Equal([source], Directory.GetFileSystemEntries(Path.Combine(_repository.Path, "toy")));
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("a/b")]
    [InlineData(".hidden")]
    [InlineData("with space")]
    [InlineData("line\n")]
    [InlineData("")]
    public void Publish_NameThatIsNoName_IsRefused(string name)
    {
        Assert.Throws<PackageException>(() => new TestModel { Name = name }.Publish(_repository.Path));
        Assert.Empty(Directory.GetFileSystemEntries(_repository.Path));
    }

    [Fact]
    public void Versions_OtherNames_AreIgnored()
    {
        foreach (var name in new[] { "1", "12", "03", "0", "-1", "1.5", "x", ".incoming-4-1", "99999999999999999999" })
            Directory.CreateDirectory(Path.Combine(_repository.Path, name));
        Assert.Equal([1, 12], PackageWriter.Versions(_repository.Path).Order());
    }

    private static void AssertRefused(string directory, string file, string problem)
    {
        var e = Assert.Throws<PackageException>(() => ModelPackage.Open(directory));
        Assert.Contains(file, e.Message, StringComparison.Ordinal);
        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
        Assert.StartsWith(directory, e.Path, StringComparison.Ordinal);
    }
}
