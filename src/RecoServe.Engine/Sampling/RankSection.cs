namespace RecoServe.Engine.Sampling;

/// <summary>A section of a row's ranking, listed.</summary>
/// <param name="list">The logits in [low, high), in index order.</param>
/// <param name="low">Where the section ends.</param>
/// <param name="high">Above its largest logit.</param>
/// <param name="above">The number of items at or above <paramref name="high"/>.</param>
/// <param name="mass">Their weight.</param>
/// <param name="items">The items of the logits; empty if they are not known.</param>
internal readonly ref struct RankSection(LogitList list, float low, float high, int above, double mass, ReadOnlySpan<int> items = default)
{
    /// <summary>The items of the logits; empty if they are not known.</summary>
    public readonly ReadOnlySpan<int> Items = items;

    /// <summary>The logits.</summary>
    public readonly LogitList List = list;

    /// <summary>Where the section ends.</summary>
    public float Low { get; } = low;

    /// <summary>Above its largest logit.</summary>
    public float High { get; } = high;

    /// <summary>The number of items before the section.</summary>
    public int Above { get; } = above;

    /// <summary>Their weight.</summary>
    public double Mass { get; } = mass;
}
