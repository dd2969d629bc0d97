namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// The target's rank when other items have exactly its score. Several relevant items of one question never share a rank: by each rule they take places
/// one after another.
/// </summary>
internal enum TieRule
{
    /// <summary>Before all of them: 1 + items with a greater score. What most published tables use.</summary>
    Optimistic,

    /// <summary>After all of them. Exposes a scorer whose scores are saturated or constant.</summary>
    Pessimistic,

    /// <summary>The mean of the two, so a rank may end in .5.</summary>
    Mean,

    /// <summary>In order of the items' indexes, the smaller first, as a list shows them.</summary>
    Index,
}
