namespace RecoServe.Trainer.Evaluation;

/// <summary>What a full ranking reports.</summary>
internal sealed record RankingOptions
{
    /// <summary>What the choice of weights needs: the metrics of ranks alone.</summary>
    public static RankingOptions Default { get; } = new();

    /// <summary>What a report shows: the metrics of the lists of ten as well.</summary>
    public static RankingOptions Full { get; } = new() { ListLength = 10 };

    /// <summary>K of HR@K.</summary>
    public IReadOnlyList<int> HitCutoffs { get; init; } = [1, 5, 10, 20, 50];

    /// <summary>K of NDCG@K.</summary>
    public IReadOnlyList<int> NdcgCutoffs { get; init; } = [5, 10, 20];

    /// <summary>K of MAP@K and of MRR@K.</summary>
    public IReadOnlyList<int> PrecisionCutoffs { get; init; } = [10];

    /// <summary>The rank of a target among equal scores.</summary>
    public TieRule Ties { get; init; } = TieRule.Optimistic;

    /// <summary>Whether items of the history stay in the ranking: for logs in which people come back to what they chose.</summary>
    public bool KeepSeen { get; init; }

    /// <summary>Length of the recommended lists; 0 for none, and no metrics of lists.</summary>
    public int ListLength { get; init; }

    /// <summary>An item with fewer training events is cold.</summary>
    public int ColdBelow { get; init; } = 5;

    /// <summary>What decides ranks, in words.</summary>
    public string Protocol => $"full ranking, seen items {(KeepSeen ? "kept" : "removed")}, ties {Ties.ToString().ToLowerInvariant()}";

    /// <summary>The options that decide ranks as a <see cref="Protocol"/> says; null if it is none.</summary>
    public static RankingOptions? OfProtocol(string protocol) => Enum.GetValues<TieRule>()
        .SelectMany(ties => (RankingOptions[])[new() { Ties = ties }, new() { Ties = ties, KeepSeen = true }])
        .FirstOrDefault(options => options.Protocol == protocol);

    /// <summary>Whether a split that leaks is evaluated all the same, to reproduce a published number that did.</summary>
    public bool AllowLeaks { get; init; }
}
