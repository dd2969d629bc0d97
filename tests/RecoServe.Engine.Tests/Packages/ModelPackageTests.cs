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

    /// <summary>Two publishers of one number, and what a killed one left: none is in another's way, and what is old is swept.</summary>
    [Fact]
    public void Publish_OthersWereBeforeIt_SucceedsBesideThem()
    {
        var source = new TestModel().Publish(_repository.Path);
        var draft = ModelPackage.Open(source).Manifest;
        void Write(string directory) => PackageFiles.Content.ToList().ForEach(f => File.Copy(Path.Combine(source, f), Path.Combine(directory, f)));
        var (killed, old) = (Path.Combine(_repository.Path, "toy", ".incoming-2-1"), Path.Combine(_repository.Path, "toy", ".incoming-3-1"));
        Write(Directory.CreateDirectory(killed).FullName);
        Write(Directory.CreateDirectory(old).FullName);
        Directory.SetLastWriteTimeUtc(old, DateTime.UnixEpoch);
        var e = Assert.Throws<PackageException>(() => PackageWriter.Publish(_repository.Path, draft, 2, directory =>
        {
            Write(directory);
            PackageWriter.Publish(_repository.Path, draft, 2, Write, _ => { });
        }, _ => { }));
        Assert.Contains("exists: versions are never overwritten", e.Message, StringComparison.Ordinal);
        Assert.Equal(2, ModelPackage.Open(Path.Combine(_repository.Path, "toy", "2")).Manifest.Version);
        Assert.Equal([killed, source, Path.Combine(_repository.Path, "toy", "2")], Directory.GetFileSystemEntries(Path.Combine(_repository.Path, "toy")).Order(StringComparer.Ordinal));
    }

    /// <summary>Else publishing would copy files of elsewhere, or what a server refuses to load.</summary>
    [Theory]
    [InlineData("../traffic.json", "a file's name is")]
    [InlineData("a/b", "a file's name is")]
    [InlineData("notes.txt", "is missing")]
    public void Open_ManifestListsAnotherFile_IsRefused(string file, string problem)
    {
        var directory = new TestModel().Publish(_repository.Path);
        var manifest = Path.Combine(directory, PackageFiles.Manifest);
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("\"files\": {", $"\"files\": {{ \"{file}\": {{ \"bytes\": 1, \"sha256\": \"00\" }},", StringComparison.Ordinal));
        AssertRefused(directory, file, problem);
    }

    [Fact]
    public void Open_NameThatIsNoName_IsRefused()
    {
        var directory = new TestModel().Publish(_repository.Path);
        var manifest = Path.Combine(directory, PackageFiles.Manifest);
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("\"toy\"", "\"a/toy\"", StringComparison.Ordinal));
        AssertRefused(directory, PackageFiles.Manifest, "has the name \"a/toy\"");
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
