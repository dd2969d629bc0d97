using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.Extensions.Options;

namespace RecoServe.Server;

/// <summary>
/// Reads options from the configuration and checks them key by key, so that each problem names the key as an operator
/// writes it, what was given and what would be right. A key that no option has is a problem too.
/// </summary>
internal sealed class OptionsReader(IConfiguration configuration)
{
    private readonly List<string> _problems = [];

    /// <summary>The options of a section; not to be used before <see cref="ThrowIfWrong"/> has passed.</summary>
    /// <param name="section">The section.</param>
    /// <param name="except">A section in it that is read by itself.</param>
    internal T Read<T>(string section, string? except = null)
        where T : class, new()
    {
        var options = new T();
        var properties = typeof(T).GetProperties().ToDictionary(p => p.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var (name, text) in Given(section))
        {
            if (except is not null && name.StartsWith($"{except}:", StringComparison.OrdinalIgnoreCase))
                continue;
            if (properties.TryGetValue(name, out var property))
                Set(options, property, $"{section}:{property.Name}", text);
            else
                _problems.Add($"{section}:{name} is not an option; {section} has {string.Join(", ", properties.Keys)}");
        }

        return options;
    }

    /// <summary>Checks the section that the framework reads, which would fail on a bad level without naming its key.</summary>
    internal void CheckLogging()
    {
        foreach (var (name, text) in Given("Logging").Where(s => $":{s.Name}".Contains(":LogLevel:", StringComparison.OrdinalIgnoreCase)))
        {
            if (!Enum.TryParse<LogLevel>(text, ignoreCase: true, out _))
                AddProblem($"Logging:{name}", text, $"must be one of {string.Join(", ", Enum.GetNames<LogLevel>())}");
        }
    }

    /// <exception cref="OptionsValidationException">Has every problem that was found.</exception>
    internal void ThrowIfWrong()
    {
        if (_problems.Count > 0)
            throw new OptionsValidationException(Options.DefaultName, typeof(OptionsReader), _problems);
    }

    private IEnumerable<(string Name, string Text)> Given(string section) =>
        configuration.GetSection(section).AsEnumerable(makePathsRelative: true).Where(s => s.Value is not null).Select(s => (s.Key, s.Value!));

    private void Set(object options, PropertyInfo property, string key, string text)
    {
        object? value;
        try
        {
            value = configuration.GetValue(property.PropertyType, key);
        }
        catch (InvalidOperationException)
        {
            AddProblem(key, text, property.GetCustomAttribute<RangeAttribute>()?.FormatErrorMessage(key) ?? Expected(property.PropertyType));
            return;
        }

        var context = new ValidationContext(options) { MemberName = property.Name, DisplayName = key };
        var wrong = property.GetCustomAttributes<ValidationAttribute>().Select(a => a.GetValidationResult(value, context)).FirstOrDefault(r => r is not null);
        if (wrong is null)
            property.SetValue(options, value);
        else
            AddProblem(key, text, wrong.ErrorMessage!);
    }

    private static string Expected(Type type) =>
        type.IsEnum ? $"must be one of {string.Join(", ", Enum.GetNames(type))}" : $"must be a {type.Name}";

    private void AddProblem(string key, string given, string expected) =>
        _problems.Add($"{CommandLine.NameOf(key)} {expected}, not \"{given}\"");
}
