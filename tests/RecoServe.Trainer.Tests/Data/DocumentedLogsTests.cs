using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using RecoServe.Testing;
using RecoServe.Trainer.Commands;
using RecoServe.Trainer.Configuration;

namespace RecoServe.Trainer.Tests.Data;

/// <summary>The options that docs/training.md gives for each real log are those of the Makefile, and the commands take them, with the settings of perf/training.</summary>
public sealed class DocumentedLogsTests
{
    private static string Docs => File.ReadAllText(RepositoryRoot.File("docs/training.md"));

    public static TheoryData<string, string> Logs => new()
    {
        { "ml-1m", "MovieLens-1M" },
        { "beauty", "Amazon Beauty" },
        { "toys", "Amazon Toys" },
        { "kuairand", "KuaiRand-Pure" },
        { "kuairand-displays", "KuaiRand-Pure, displays" },
        { "trivago", "trivago" },
        { "trivago-displays", "trivago, displays" },
        { "coat", "Coat" },
        { "coat-displays", "Coat, displays" },
    };

    [Theory]
    [MemberData(nameof(Logs))]
    public void Makefile_OptionsOfALog_AreTheDocumentedOnes(string variable, string log)
    {
        var makefile = File.ReadAllText(RepositoryRoot.File("Makefile")).Replace("\\\n", " ", StringComparison.Ordinal);
        string Value(string name) => Regex.Match(makefile, $"^{name} = (.*)$", RegexOptions.Multiline).Groups[1].Value;
        var options = Regex.Replace(Value($"LOG_{variable}"), @"\$\((LOG_\S+)\)", name => Value(name.Groups[1].Value));

        Assert.Equal(OptionsOf(log), Words(options.Replace("$(SHARED)/", "D/", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Logs))]
    public void Fit_DocumentedOptionsWithTheLogsSettings_AreTaken(string variable, string log)
    {
        var root = new RootCommand { FitCommand.Create() };
        string[] args = ["fit", .. OptionsOf(log), "--config", RepositoryRoot.File($"perf/training/{variable}.yaml"), "--out", "run"];

        Assert.Empty(root.Parse(ConfigFile.Expand(root.Parse(args), args)).Errors);
    }

    [Fact]
    public void Options_FilesOfTheLogs_AreThere()
    {
        var folder = Path.GetDirectoryName(SharedData.PathOf("README.md"))!;
        foreach (var word in Logs.SelectMany(row => OptionsOf(row.Data.Item2)).Where(word => word.StartsWith("D/", StringComparison.Ordinal)))
            Assert.NotEmpty(Directory.GetFiles(Path.GetDirectoryName(Path.Combine(folder, word[2..]))!, Path.GetFileName(word)));
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

    private static IReadOnlyList<string> OptionsOf(string log) => Words(Regex.Match(Docs, $@"^\| {log} \| `([^`]*)`", RegexOptions.Multiline).Groups[1].Value);

    private static IReadOnlyList<string> Words(string options) => [.. CommandLineParser.SplitCommandLine(options)];
}
