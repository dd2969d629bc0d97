using System.Collections;
using System.CommandLine;
using System.Globalization;
using System.Text;
using YamlDotNet.Serialization;

namespace RecoServe.Trainer.Configuration;

/// <summary>All options of a command as they were resolved, in the form of a config file that gives the same run again.</summary>
internal static class ResolvedConfig
{
    private static readonly string[] Excluded = ["--config", "--resume", "--help", "--version", "--out"];

    /// <summary>The file's content; options without a value are left out.</summary>
    public static string Of(ParseResult result)
    {
        var settings = new Dictionary<string, object>();
        foreach (var option in result.CommandResult.Command.Options.Where(o => !Excluded.Contains(o.Name)))
        {
            if (ValueOf(result, option) is { } value)
                settings.Add(option.Name[2..], value);
        }

        return new StringBuilder("# recotrain fit --config FILE\n").Append(new SerializerBuilder().WithNewLine("\n").Build().Serialize(settings)).ToString();
    }

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
