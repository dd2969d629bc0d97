namespace RecoServe.Trainer.Search;

/// <summary>One setting that a search tries.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Values">The varied options' values, in the order of the space.</param>
internal sealed record Trial(int Number, IReadOnlyList<string> Values)
{
    /// <summary>The name of its run's folder.</summary>
    public string Folder => $"trial-{Number:D3}";
}
