using System.CommandLine;
using System.CommandLine.Parsing;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Training;

/// <summary>The properties of an options record as options of a command: ranges are those of the record.</summary>
/// <typeparam name="TOptions">A record.</typeparam>
internal sealed class CommandSettings<TOptions>
    where TOptions : class
{
    private readonly List<Setting> _settings = [];

    /// <summary>Adds a setting with an option made elsewhere.</summary>
    public void Add(Option option, string property, bool isLimit, Func<TOptions, ParseResult, TOptions> apply) =>
        _settings.Add(new Setting(option, property, isLimit, apply));

    /// <summary>Adds a number or a truth value.</summary>
    public void Add<T>(string name, string property, T standard, string description, Func<TOptions, T, TOptions> with, bool isLimit = false)
    {
        var option = new Option<T>(name) { Description = description, DefaultValueFactory = _ => standard, HelpName = standard is bool ? "true|false" : "N" };
        Add(option, property, isLimit, (options, result) => with(options, result.GetRequiredValue(option)));
    }

    /// <summary>Adds a choice: the values' names in small letters, with a hyphen before an inner capital.</summary>
    /// <returns>The option, for whoever must know the choice before all others.</returns>
    public Option<T> AddChoice<T>(string name, string property, T standard, string description, Func<TOptions, T, TOptions> with)
        where T : struct, Enum
    {
        var names = Enum.GetValues<T>().ToDictionary(NameOf);
        T Parse(ArgumentResult argument)
        {
            var given = argument.Tokens[0].Value;
            foreach (var (key, value) in names)
            {
                // A resolved config has the values' own names.
                if (given.Equals(key, StringComparison.OrdinalIgnoreCase) || given.Equals($"{value}", StringComparison.OrdinalIgnoreCase))
                    return value;
            }

            argument.AddError($"{name}: \"{given}\" must be one of {string.Join(", ", names.Keys)}");
            return standard;
        }

        var option = new Option<T>(name)
        {
            Description = $"{description}: {string.Join(", ", names.Keys)}",
            DefaultValueFactory = _ => standard,
            CustomParser = Parse,
            HelpName = "NAME",
        };
        Add(option, property, false, (options, result) => with(options, result.GetRequiredValue(option)));
        return option;
    }

    /// <summary>Declares the options on a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var setting in _settings)
            command.Options.Add(setting.Option);
    }

    /// <summary>The options with what the user gave.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="options">Where nothing is given.</param>
    /// <param name="isResumed">Whether <paramref name="options"/> are a run's, in which only limits can change.</param>
    /// <exception cref="DataException">A value is out of range, or cannot change within a run.</exception>
    public TOptions Bind(ParseResult result, TOptions options, bool isResumed)
    {
        var stored = options;
        foreach (var setting in _settings.Where(s => result.GetResult(s.Option) is { Implicit: false }))
        {
            var changed = setting.Apply(options, result);
            Require(setting, changed);
            if (isResumed && !setting.IsLimit && setting.Get(changed) != setting.Get(options))
                throw new DataException($"{setting.Option.Name} cannot change within a run: it is {setting.Get(stored)}; leave it out, or start another run");
            options = changed;
        }

        return options;
    }

    /// <summary>Every option's name, and the value that it has in the options.</summary>
    public IEnumerable<KeyValuePair<string, object>> ValuesOf(TOptions options) =>
        _settings.Select(setting => KeyValuePair.Create(setting.Option.Name, setting.ValueIn(options)));

    private static string NameOf<T>(T value) where T : struct, Enum =>
        string.Concat($"{value}".Select((c, i) => char.IsUpper(c) && i > 0 ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));

    private static void Require(Setting setting, TOptions options)
    {
        var problems = new List<ValidationResult>();
        var context = new ValidationContext(options) { MemberName = setting.Property, DisplayName = setting.Option.Name };
        if (!Validator.TryValidateProperty(typeof(TOptions).GetProperty(setting.Property)!.GetValue(options), context, problems))
            throw new DataException(problems[0].ErrorMessage!);
    }

    private sealed record Setting(Option Option, string Property, bool IsLimit, Func<TOptions, ParseResult, TOptions> Apply)
    {
        public object ValueIn(TOptions options) => typeof(TOptions).GetProperty(Property)!.GetValue(options)!;

        public string Get(TOptions options) => ValueIn(options) switch
        {
            IReadOnlyList<string> names => string.Join(' ', names),
            var value => Convert.ToString(value, CultureInfo.InvariantCulture)!.ToLowerInvariant(),
        };
    }
}
