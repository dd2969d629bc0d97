using System.CommandLine;
using System.Globalization;

namespace RecoServe.Trainer.Evaluation;

/// <summary>The command line's form of a <see cref="Bootstrap"/>.</summary>
internal sealed class BootstrapCommandOptions
{
    private readonly Option<int> _resamples = new("--resamples")
    {
        Description = "Draws of the bootstrap over users that makes the 95 % intervals; 0 for none",
        HelpName = "COUNT",
        DefaultValueFactory = _ => 1_000,
    };

    private readonly Option<int> _seed = new("--seed") { Description = "Seed of the bootstrap", DefaultValueFactory = _ => 1 };

    /// <summary>Declares the options on a command.</summary>
    public void AddTo(Command command)
    {
        _resamples.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && long.TryParse(token.Value, CultureInfo.InvariantCulture, out var given) && given < 0)
                result.AddError($"{_resamples.Name} must be 0 or more");
        });
        command.Options.Add(_resamples);
        command.Options.Add(_seed);
    }

    /// <summary>What the user gave.</summary>
    public (int Resamples, int Seed) Bind(ParseResult result) => (result.GetValue(_resamples), result.GetValue(_seed));
}
