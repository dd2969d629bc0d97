namespace RecoServe.Trainer.Configuration;

/// <summary>One line of a config file: an option and its values.</summary>
/// <param name="Name">The option's name without its dashes.</param>
/// <param name="Values">What would stand after the option on a command line, once a value; <c>KEY=VALUE</c> for a pair.</param>
/// <param name="Line">Where it stands, from 1.</param>
internal sealed record ConfigSetting(string Name, IReadOnlyList<string> Values, int Line);
