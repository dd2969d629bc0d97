using System.CommandLine;
using RecoServe.Engine.Packages;
using RecoServe.Testing;
using RecoServe.Testing.Stores;
using RecoServe.Trainer.Commands;

namespace RecoServe.Trainer.Tests.Commands;

public sealed class PublishCommandTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();
    private readonly string _package;

    public PublishCommandTests() => _package = new TestModel().Publish(_folder.File("exported"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Publish_ToADirectory_IsTheNextVersion()
    {
        for (var version = 1; version <= 2; version++)
        {
            var (code, output, error) = await RunAsync("--package", _package, "--to", _folder.File("models"));
            Assert.Equal((0, ""), (code, error));
            Assert.Equal(_folder.File($"models/toy/{version}"), output.Trim());
            Assert.Equal(version, ModelPackage.Open(output.Trim()).Manifest.Version);
        }
    }

    [Fact]
    public async Task Publish_Cancelled_LeavesNothing()
    {
        string[] arguments = ["publish", "--package", _package, "--to", _folder.File("models")];
        Assert.Equal(CommandRunner.Cancelled, await CommandRunner.RunWithinAsync(new RootCommand { PublishCommand.Create() }, arguments, TextWriter.Null, new CancellationToken(canceled: true)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.File("models/toy")));

        Assert.True(await ActionThread.IsOfPoolAsync(PublishCommand.Create(), arguments));
    }

    [Fact]
    public async Task Publish_ToABucket_IsTheNextVersion()
    {
        var (server, reason) = await S3Server.TryStartAsync();
        Assert.SkipWhen(server is null, reason);
        using var running = server!;
        for (var version = 1; version <= 2; version++)
        {
            var (code, output, error) = await RunAsync("--package", _package, "--to", "s3://models/team", "--s3-endpoint", running.Endpoint, "--s3-path-style");
            Assert.Equal((0, "", $"s3://models/team/toy/{version}"), (code, error, output.Trim()));
        }

        Assert.Equal(
            [".claim", "catalogue.tsv", "encoder.onnx", "item_bias.f32", "item_matrix.f32", "manifest.json", "probe.json", "scorer.onnx"],
            (await running.KeysAsync("team/toy/2/")).Select(k => k["team/toy/2/".Length..]).Order(StringComparer.Ordinal));
        var (_, _, again) = await RunAsync("--package", _package, "--to", "s3://models/team", "--version", "2", "--s3-endpoint", running.Endpoint, "--s3-path-style");
        Assert.Equal("recotrain: s3://models/team/toy/2 exists, or was begun by another publisher: versions are never overwritten\n", again);
        var (failed, _, problem) = await RunAsync("--package", _package, "--to", "s3://elsewhere", "--s3-endpoint", running.Endpoint, "--s3-path-style");
        Assert.Equal(CommandRunner.Failed, failed);
        Assert.StartsWith("recotrain: --to s3://elsewhere: s3://elsewhere/toy/ cannot be listed: NoSuchBucket", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Publish_DamagedPackage_NamesTheFileAndPublishesNothing()
    {
        PackageFixes.Corrupt(Path.Combine(_package, PackageFiles.Scorer));
        var (code, _, error) = await RunAsync("--package", _package, "--to", _folder.File("models"));
        Assert.Equal(CommandRunner.BadInput, code);
        Assert.Contains("scorer.onnx is damaged", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.File("models")));
    }

    [Fact]
    public async Task Publish_NoSuchDirectory_SaysWhatIsMeant()
    {
        var (code, _, error) = await RunAsync("--package", _folder.File("absent"), "--to", _folder.File("models"));
        Assert.Equal(CommandRunner.BadInput, code);
        Assert.Contains("absent is no directory: name an exported version", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Publish_PlainGraph_SaysHowItIsPublished()
    {
        TestGraph.PublishSum(_folder.File("graphs"), "sum", 1);
        var (code, _, error) = await RunAsync("--package", _folder.File("graphs/sum/1"), "--to", _folder.File("models"));
        Assert.Equal(CommandRunner.BadInput, code);
        Assert.Contains("is a plain graph, which needs no manifest", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--to s3://models//x: must be a directory or s3://bucket/prefix", "--to", "s3://models//x")]
    [InlineData("--version must be 1 or more", "--to", "models", "--version", "0")]
    [InlineData("--to s3://ab: must be a directory or s3://bucket/prefix (a bucket of 3 to 63", "--to", "s3://ab")]
    [InlineData("--s3-endpoint store.example:9000: must be a URL", "--to", "s3://models", "--s3-endpoint", "store.example:9000")]
    public async Task Publish_BadOption_SaysWhatIsWrong(string problem, params string[] arguments)
    {
        var (code, _, error) = await RunAsync(["--package", _package, .. arguments]);
        Assert.Equal(CommandRunner.BadInput, code);
        Assert.StartsWith($"recotrain: {problem}", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_ToABucket_NamesTheCommandThatCan()
    {
        var error = new StringWriter();
        await CommandRunner.RunAsync(new RootCommand { ExportCommand.Create() }, ["export", "--run", "x", "--name", "y", "--repository", "s3://models"], TextWriter.Null, error);
        Assert.Contains("recotrain publish --to", error.ToString(), StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await CommandRunner.RunAsync(new RootCommand { PublishCommand.Create() }, ["publish", .. arguments], output, error);
        return (code, output.ToString(), error.ToString());
    }
}
