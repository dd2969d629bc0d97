namespace RecoServe.Trainer.Evaluation;

/// <summary>What a full ranking reports.</summary>
internal sealed record RankingOptions
{
    /// <summary>The anchors' settings.</summary>
    public static RankingOptions Default { get; } = new();

    /// <summary>K of HR@K.</summary>
    public IReadOnlyList<int> HitCutoffs { get; init; } = [1, 5, 10, 20, 50];

    /// <summary>K of NDCG@K.</summary>
    public IReadOnlyList<int> NdcgCutoffs { get; init; } = [5, 10, 20];

    /// <summary>The rank of a target among equal scores.</summary>
    public TieRule Ties { get; init; } = TieRule.Optimistic;
}
