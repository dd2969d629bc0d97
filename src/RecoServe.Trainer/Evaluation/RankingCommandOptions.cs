using System.CommandLine;
using System.Globalization;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>The command line's form of <see cref="RankingOptions"/>.</summary>
internal sealed class RankingCommandOptions
{
    private static readonly RankingOptions Defaults = RankingOptions.Full;

    private readonly Option<string> _ties = new("--ties")
    {
        Description = "The target's rank among equal scores",
        DefaultValueFactory = _ => "optimistic",
    };

    private readonly Option<bool> _keepSeen = new("--keep-seen")
    {
        Description = "Leave the items of the history in the ranking: where people come back to what they chose",
    };

    private readonly Option<string?> _cutoffs = new("--cutoffs")
    {
        Description = "K of HR, NDCG, MAP and MRR, separated by commas",
        HelpName = "K,K,…",
    };

    private readonly Option<int> _listLength = new("--list-length")
    {
        Description = "Length of the lists whose coverage, novelty, diversity … are measured; 0 for none",
        HelpName = "K",
        DefaultValueFactory = _ => Defaults.ListLength,
    };

    private readonly Option<int> _coldBelow = new("--cold-below")
    {
        Description = "An item with fewer training events is cold",
        HelpName = "COUNT",
        DefaultValueFactory = _ => Defaults.ColdBelow,
    };

    /// <summary>Declares the options on a command.</summary>
    public void AddTo(Command command)
    {
        _ties.AcceptOnlyFromAmong([.. Enum.GetNames<TieRule>().Select(name => name.ToLowerInvariant())]);
        foreach (var option in (Option[])[_ties, _keepSeen, _cutoffs, _listLength, _coldBelow])
            command.Options.Add(option);
    }

    /// <summary>What the user gave.</summary>
    /// <exception cref="DataException">A cutoff or a length is no number that makes sense.</exception>
    public RankingOptions Bind(ParseResult result)
    {
        var options = Defaults with
        {
            Ties = Enum.Parse<TieRule>(result.GetRequiredValue(_ties), ignoreCase: true),
            KeepSeen = result.GetValue(_keepSeen),
            ListLength = result.GetValue(_listLength),
            ColdBelow = result.GetValue(_coldBelow),
        };
        if (options.ListLength is < 0 or > 1_000)
            throw new DataException($"--list-length {options.ListLength}: must be between 0 and 1000");
        if (result.GetValue(_cutoffs) is not { } text)
            return options;
        int[] cutoffs = [.. text.Split(',', StringSplitOptions.TrimEntries).Select(k =>
            int.TryParse(k, NumberStyles.None, CultureInfo.InvariantCulture, out var cutoff) && cutoff > 0
                ? cutoff
                : throw new DataException($"--cutoffs {text}: must be whole numbers from 1 with commas between them, as 5,10,20")).Distinct()];
        return options with { HitCutoffs = cutoffs, NdcgCutoffs = cutoffs, PrecisionCutoffs = cutoffs };
    }
}
