using System.CommandLine;
using System.CommandLine.Parsing;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Training;
using YamlDotNet.RepresentationModel;

namespace RecoServe.Trainer.Configuration;

/// <summary>
/// A YAML file with a command's options by their names without dashes. A value is what would stand after the option, a list
/// several values, a mapping pairs <c>KEY=VALUE</c>. What the command line gives wins.
/// </summary>
internal sealed class ConfigFile
{
    /// <summary>Options that say where and how to run, not what: a file that sets them would surprise.</summary>
    public static readonly string[] Excluded = ["--config", "--resume", "--help", "--version"];

    private readonly string _path;
    private readonly IReadOnlyList<ConfigSetting> _settings;

    /// <param name="path">Named in messages.</param>
    /// <param name="settings">What the file says.</param>
    public ConfigFile(string path, IReadOnlyList<ConfigSetting> settings) => (_path, _settings) = (path, settings);

    /// <summary>What the file says, in its order.</summary>
    public IReadOnlyList<ConfigSetting> Settings => _settings;

    /// <summary>The option for commands that take a file.</summary>
    public static Option<string?> CreateOption() => new("--config")
    {
        Description = "A YAML file with options by their names, for example \"dimension: 128\"; what the command line gives wins",
        HelpName = "FILE",
    };

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataException">It is absent or not YAML, or a value is none that an option can have; names the line.</exception>
    public static ConfigFile Read(string path) => new(path, [.. YamlFile.Read(path).Select(pair => Setting(path, pair.Key, pair.Value))]);

    /// <summary>
    /// The command line with the settings of the file that its <c>--config</c> names, or of the run that <c>--resume</c> goes on
    /// with, if it has either.
    /// </summary>
    /// <exception cref="DataException">The file cannot be read, or has a key that is no option of the command.</exception>
    public static string[] Expand(ParseResult result, string[] args)
    {
        OptionResult? Given(string name) => result.CommandResult.Command.Options.FirstOrDefault(o => o.Name == name) is { } option ? result.GetResult(option) : null;
        if (Given("--config") is { Tokens: [var path, ..] })
            return Read(path.Value).AddTo(result, args);
        if (Given("--resume") is { Implicit: false } && Given("--out") is { Tokens: [var folder, ..] } && File.Exists(RunFolder.ConfigPathOf(folder.Value)))
            return Read(RunFolder.ConfigPathOf(folder.Value)).AddTo(result, args);
        return args;
    }

    /// <summary>The command line with the settings of this file that it does not give itself.</summary>
    /// <exception cref="DataException">A key is no option of the command; names the line.</exception>
    public string[] AddTo(ParseResult result, string[] args)
    {
        var options = result.CommandResult.Command.Options.Where(o => !Excluded.Contains(o.Name)).ToDictionary(o => o.Name[2..]);
        List<string> added = [];
        foreach (var setting in _settings)
        {
            if (!options.TryGetValue(setting.Name, out var option))
                throw new DataException($"{_path} line {setting.Line}: there is no option {setting.Name}; there are {string.Join(", ", options.Keys.Order(StringComparer.Ordinal))}");
            if (result.GetResult(option) is not { Implicit: false })
                added.AddRange(setting.Values.Select(value => $"{option.Name}={value}"));
        }

        return [.. args, .. added];
    }

    /// <summary>A setting of a mapping's entry.</summary>
    /// <exception cref="DataException">The value is empty or nested; names the line.</exception>
    internal static ConfigSetting Setting(string path, YamlNode key, YamlNode value)
    {
        DataException Unfit(YamlNode node) => new($"{path} line {node.Start.Line}: {key} must have a value, a list of values, or a mapping of names to values");
        string One(YamlNode node) => node is YamlScalarNode { Value: { Length: > 0 } text } ? text : throw Unfit(node);
        string[] values = value switch
        {
            YamlSequenceNode list => [.. list.Select(One)],
            YamlMappingNode pairs => [.. pairs.Select(pair => $"{One(pair.Key)}={One(pair.Value)}")],
            _ => [One(value)],
        };
        return new ConfigSetting(One(key), values, (int)key.Start.Line);
    }
}
