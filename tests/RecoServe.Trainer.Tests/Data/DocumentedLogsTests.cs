using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using RecoServe.Testing;
using RecoServe.Trainer.Commands;

namespace RecoServe.Trainer.Tests.Data;

/// <summary>The options that docs/training.md gives for each real log are those of the Makefile, and the commands take them.</summary>
public sealed class DocumentedLogsTests
{
    private static string Docs => File.ReadAllText(RepositoryRoot.File("docs/training.md"));

    public static TheoryData<string, string> Logs => new()
    {
        { "ml-1m", "MovieLens-1M" },
        { "beauty", "Amazon Beauty" },
        { "toys", "Amazon Toys" },
        { "kuairand", "KuaiRand-Pure" },
        { "trivago", "trivago" },
        { "coat", "Coat" },
    };

    [Theory]
    [MemberData(nameof(Logs))]
    public void Makefile_OptionsOfALog_AreTheDocumentedOnes(string variable, string log)
    {
        Assert.Equal(OptionsOf(log), Words(MakefileVariable($"LOG_{variable}").Replace("$(SHARED)/", "D/", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Logs))]
    public void Makefile_TrainingOfALog_IsParsed(string variable, string log)
    {
        var training = MakefileVariable($"FIT_{variable}");
        if (Regex.Match(training, @"^\$\((.*)\)$") is { Success: true } same)
            training = MakefileVariable(same.Groups[1].Value);
        Assert.NotEmpty(training);

        var result = new RootCommand { FitCommand.Create() }.Parse(["fit", .. OptionsOf(log), .. Words(training), "--out", "run"]);

        Assert.Empty(result.Errors);
    }

    [Theory]
    [InlineData("trivago", "trivago/val_100k.parquet", "274 users, 653 questions")]
    public async Task Evaluate_DocumentedOptions_AreTaken(string log, string file, string expected)
    {
        var folder = SharedData.PathOf(file)[..^file.Length];
        string[] options = [.. OptionsOf(log).Select(word => word.StartsWith("D/", StringComparison.Ordinal) ? folder + word[2..] : word)];
        using StringWriter output = new(), error = new();

        var code = await CommandRunner.RunAsync(
            new RootCommand { EvaluateCommand.Create() }, ["evaluate", .. options, "--baseline", "pop", "--part", "test"], output, error);

        Assert.True(code == 0, error.ToString());
        Assert.Contains(expected, output.ToString(), StringComparison.Ordinal);
    }

    private static string MakefileVariable(string name)
    {
        var makefile = File.ReadAllText(RepositoryRoot.File("Makefile")).Replace("\\\n", " ", StringComparison.Ordinal);
        return Regex.Match(makefile, $"^{name} = (.*)$", RegexOptions.Multiline).Groups[1].Value;
    }

    private static IReadOnlyList<string> OptionsOf(string log) => Words(Regex.Match(Docs, $@"^\| {log} \| `([^`]*)`", RegexOptions.Multiline).Groups[1].Value);

    private static IReadOnlyList<string> Words(string options) => [.. CommandLineParser.SplitCommandLine(options)];
}
