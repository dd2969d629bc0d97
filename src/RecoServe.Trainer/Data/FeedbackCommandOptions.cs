using System.CommandLine;

namespace RecoServe.Trainer.Data;

/// <summary>The command line's form of <see cref="FeedbackOptions"/>.</summary>
internal sealed class FeedbackCommandOptions
{
    private readonly Option<string[]> _impressions = new("--impressions")
    {
        Description = "Files of what was shown: user_id, item_id, timestamp, watched, and if known slot and propensity, or slate_items, the list of what was shown; they are learned from instead of the watches",
        HelpName = "FILE",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _reward = new("--reward")
    {
        Description = "What a watch is worth, in SQL on the columns of the log and of the items, for example \"1 + 4*premium\" or \"least(watch_fraction, 1)\"; default: 1",
        HelpName = "SQL",
    };

    private readonly Option<double> _horizon = new("--reward-horizon")
    {
        Description = "Hours after a row in which the user's next watches count for it too",
        HelpName = "HOURS",
    };

    private readonly Option<double> _discount = new("--reward-discount")
    {
        Description = "The k-th watch after a row counts this to the power k",
        HelpName = "GAMMA",
        DefaultValueFactory = _ => new FeedbackOptions().Discount,
    };

    /// <summary>Declares the options on a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_impressions, _reward, _horizon, _discount])
            command.Options.Add(option);
    }

    /// <summary>What the user gave.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="usesPropensity">Whether the training reads the log's propensities.</param>
    /// <exception cref="DataException">A number is out of range.</exception>
    public FeedbackOptions Bind(ParseResult result, bool usesPropensity)
    {
        var (horizon, discount) = (result.GetValue(_horizon), result.GetValue(_discount));
        if (!(horizon is >= 0 and <= 1e6))
            throw new DataException($"{_horizon.Name} must be between 0 and 1000000 hours");
        if (!(discount is > 0 and <= 1))
            throw new DataException($"{_discount.Name} must be above 0 and at most 1");
        return new FeedbackOptions
        {
            Impressions = result.GetValue(_impressions) ?? [],
            Reward = result.GetValue(_reward),
            UsesPropensity = usesPropensity,
            HorizonSeconds = horizon * 3600,
            Discount = discount,
        };
    }
}
