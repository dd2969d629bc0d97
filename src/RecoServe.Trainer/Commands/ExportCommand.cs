using System.CommandLine;
using System.Globalization;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;
using RecoServe.Trainer.Export;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Commands;

/// <summary><c>recotrain export</c>: publishes a run's best weights as a model package, if the package computes what was trained.</summary>
internal static class ExportCommand
{
    /// <summary>The command, for the root's list.</summary>
    public static Command Create()
    {
        var run = new Option<string>("--run") { Description = "A run's folder", HelpName = "DIR", Required = true };
        var repository = new Option<string>("--repository") { Description = "The model repository", HelpName = "DIR", DefaultValueFactory = _ => "models" };
        var name = new Option<string>("--name") { Description = "The model's name", HelpName = "NAME", Required = true };
        var version = VersionOption.Create();
        name.Validators.Add(result =>
        {
            if (result.GetValue(name) is { } given && !ModelName.IsValid(given))
                result.AddError($"--name {given}: a name is {ModelName.Rule}");
        });
        repository.Validators.Add(result =>
        {
            if (result.GetValue(repository) is { } given && BucketAddress.IsMeant(given))
                result.AddError($"--repository {given}: must be a directory; recotrain publish --to copies a version into a bucket");
        });
        var command = new Command("export", "Publish a run's best weights as the next version of a model, checked against the training") { run, repository, name, version };
        command.SetWork((result, cancellationToken) => Run(
            RunFolder.Open(result.GetRequiredValue(run)),
            result.GetRequiredValue(repository),
            result.GetRequiredValue(name),
            result.GetValue(version),
            result.InvocationConfiguration,
            cancellationToken));
        return command;
    }

    private static int Run(RunFolder run, string repository, string name, long? version, InvocationConfiguration console, CancellationToken cancellationToken)
    {
        var (directory, parity) = PackageDraft.Publish(run, repository, name, version, TimeProvider.System.GetUtcNow(), cancellationToken);
        if (!run.HasEnded)
            console.Error.WriteLine($"recotrain: the training has not ended: these are its best weights so far, without test metrics; recotrain fit --resume --out {run.Path} goes on");
        console.Output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{directory}: {parity.Histories:N0} histories, largest difference of a logit {parity.LargestDelta:g2}, same top 100 in {parity.SameTop:P2}"));
        return 0;
    }
}
