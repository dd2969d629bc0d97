using System.CommandLine;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;

namespace RecoServe.Trainer.Commands;

/// <summary><c>recotrain publish</c>: copies an exported package into another repository, a directory or a bucket, as the model's next version.</summary>
internal static class PublishCommand
{
    private static readonly Option<string> Package = new("--package") { Description = "An exported version, for example models/video/3", HelpName = "DIR", Required = true };
    private static readonly Option<string> To = Checked(
        new("--to") { Description = "The repository: a directory or s3://bucket/prefix", HelpName = "REPOSITORY", Required = true }, BucketAddress.Check);
    private static readonly Option<long?> Version = VersionOption.Create();
    private static readonly Option<string> Endpoint = Checked(
        new("--s3-endpoint") { Description = "URL of a store other than Amazon's", HelpName = "URL", DefaultValueFactory = _ => "" }, BucketOptions.CheckEndpoint);
    private static readonly Option<string> Region = new("--s3-region") { Description = "The bucket's region; without it, as the environment says", HelpName = "NAME", DefaultValueFactory = _ => "" };
    private static readonly Option<bool> PathStyle = new("--s3-path-style") { Description = "The bucket stands in the path of a URL instead of its host" };

    /// <summary>The command, for the root's list.</summary>
    public static Command Create()
    {
        var command = new Command("publish", "Copy an exported version into a repository, as the next version of its model there") { Package, To, Version, Endpoint, Region, PathStyle };
        command.SetWork(async (result, cancellationToken) =>
        {
            var directory = result.GetRequiredValue(Package);
            if (!Directory.Exists(directory))
                throw new PackageException(directory, "is no directory: name an exported version, for example models/video/3");
            if (GraphFiles.IsGraph(directory))
                throw new PackageException(directory, "is a plain graph, which needs no manifest: copy it to <name>/<version>/ of the repository, model.onnx last");
            var package = ModelPackage.Open(directory);
            var published = BucketAddress.IsMeant(result.GetRequiredValue(To))
                ? await ToBucketAsync(package, result, cancellationToken)
                : PackageWriter.Publish(
                    result.GetRequiredValue(To), package.Manifest, result.GetValue(Version), to => Copy(package, to, cancellationToken), _ => cancellationToken.ThrowIfCancellationRequested());
            result.InvocationConfiguration.Output.WriteLine(published);
            return 0;
        });
        return command;
    }

    private static async Task<string> ToBucketAsync(ModelPackage package, ParseResult result, CancellationToken cancellationToken)
    {
        var options = new BucketOptions("--to", result.GetRequiredValue(Endpoint), result.GetRequiredValue(Region), result.GetValue(PathStyle));
        using var publisher = new BucketPublisher(BucketAddress.Parse(result.GetRequiredValue(To)), options, TimeProvider.System);
        using var line = new ProgressLine(result.InvocationConfiguration.Error);
        return await publisher.PublishAsync(
            package, result.GetValue(Version), (file, share) => line.Show(Bar(file, share)), cancellationToken);
    }

    private static string Bar(string file, double share)
    {
        const int Width = 30;
        var full = (int)(share * Width);
        return string.Create(CultureInfo.InvariantCulture, $"[{new string('#', full)}{new string('.', Width - full)}] {share,4:P0} {file}");
    }

    private static void Copy(ModelPackage package, string directory, CancellationToken cancellationToken)
    {
        foreach (var file in package.Manifest.Files.Keys)
        {
            cancellationToken.ThrowIfCancellationRequested();
            File.Copy(package.PathOf(file), Path.Combine(directory, file));
        }
    }

    private static Option<string> Checked(Option<string> option, Func<string, ValidationResult?> check)
    {
        option.Validators.Add(result =>
        {
            if (result.GetValue(option) is { } given && check(given) is { ErrorMessage: var problem })
                result.AddError($"{option.Name} {given}: {problem}");
        });
        return option;
    }
}
