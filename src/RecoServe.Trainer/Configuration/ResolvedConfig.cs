using System.Collections;
using System.CommandLine;
using System.Globalization;
using System.Text;
using YamlDotNet.Serialization;

namespace RecoServe.Trainer.Configuration;

/// <summary>All options of a command as they were resolved, in the form of a config file that gives the same run again.</summary>
internal static class ResolvedConfig
{
    /// <summary>Options that name files and folders.</summary>
    private static readonly string[] Files = ["data", "items", "test-data", "impressions", "start-from"];

    /// <summary>The file's content; options without a value are left out.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="resolved">Values by the option's name where they are more than the command line says, as defaults depend on others.</param>
    public static string Of(ParseResult result, IReadOnlyDictionary<string, object> resolved)
    {
        var settings = new Dictionary<string, object>();
        foreach (var option in result.CommandResult.Command.Options.Where(o => o.Name != "--out" && !ConfigFile.Excluded.Contains(o.Name)))
        {
            if ((resolved.TryGetValue(option.Name, out var known) ? Written(known) : ValueOf(result, option)) is { } value)
                settings.Add(option.Name[2..], value);
        }

        return Write(settings);
    }

    /// <summary>The content of such a file as it may travel: of files the names without folders, which are a machine's own affair.</summary>
    /// <exception cref="Data.DataException">The file is none.</exception>
    public static string WithoutFolders(string path) => Write(ConfigFile.Read(path).Settings.ToDictionary(
        setting => setting.Name,
        object (setting) =>
        {
            string[] values = Files.Contains(setting.Name) ? [.. setting.Values.Select(value => Path.GetFileName(value))] : [.. setting.Values];
            return values is [var one] ? one : values;
        }));

    private static string Write(Dictionary<string, object> settings) =>
        new StringBuilder("# recotrain fit --config FILE\n").Append(new SerializerBuilder().WithNewLine("\n").Build().Serialize(settings)).ToString();

    private static object? Written(object value) => value switch
    {
        "" or IReadOnlyList<string> { Count: 0 } => null,
        IReadOnlyList<string> list => list,
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    private static object? ValueOf(ParseResult result, Option option)
    {
        if (result.GetResult(option) is { Implicit: false } given)
        {
            string[] values = [.. given.Tokens.Select(token => token.Value)];
            return values.Length == 0 ? "true" : values.Length == 1 && option.Arity.MaximumNumberOfValues == 1 ? values[0] : values;
        }

        return (option.HasDefaultValue ? option.GetDefaultValue() : null) is { } value and not IEnumerable { } ? Convert.ToString(value, CultureInfo.InvariantCulture)
            : option.HasDefaultValue && option.GetDefaultValue() is string { Length: > 0 } text ? text
            : null;
    }
}
