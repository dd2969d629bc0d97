namespace RecoServe.Trainer.Models;

/// <summary>Kind and sizes of a <see cref="NextWatchNetwork"/>.</summary>
/// <param name="ItemCount">Number of items N.</param>
/// <param name="Dimension">Width d of item vectors, and of the state that scores them.</param>
/// <param name="Layers">GRU layers or Transformer blocks, 1 or more.</param>
/// <param name="ContextSizes">Number of known values of each context field.</param>
internal sealed record NetworkShape(int ItemCount, int Dimension, int Layers, IReadOnlyList<int> ContextSizes)
{
    /// <summary>The encoder.</summary>
    public NetworkKind Kind { get; init; } = NetworkKind.Gru;

    /// <summary>Width of every layer's state; d if it is 0. Another width is projected from d, and to d.</summary>
    public int StateDimension { get; init; }

    /// <summary><see cref="StateDimension"/>, resolved.</summary>
    public int Width => StateDimension == 0 ? Dimension : StateDimension;

    /// <summary>Attention heads of a Transformer block; they divide the width.</summary>
    public int Heads { get; init; } = 1;

    /// <summary>Most watches that a Transformer reads: without a memory it has a vector for each position, and one for the start marker's.</summary>
    public int MaxHistory { get; init; }

    /// <summary>
    /// Steps of a segment of a history, and of the segment before that each step sees: see <see cref="SegmentAttention"/>. 0: every step sees all
    /// before it.
    /// </summary>
    public int Memory { get; init; }

    /// <summary>Whether item vectors are multiplied by √d where the encoder reads them.</summary>
    public bool ScaleInput { get; init; }

    /// <summary>
    /// Standard deviation of new item vectors and, in a Transformer, of positions and the blocks' weights. Small item vectors keep the
    /// first softmax near the biases.
    /// </summary>
    public double Deviation => Kind == NetworkKind.Gru ? 0.05 : 0.02;

    /// <summary>Whether the times between watches are read.</summary>
    public bool TimeGaps { get; init; }

    /// <summary>Whether the contexts of watches are read; then there are context fields.</summary>
    public bool HistoryContext { get; init; }

    /// <summary>The vectors by which items are scored.</summary>
    public OutputVectors Output { get; init; }

    /// <summary>Whether each item has a bias.</summary>
    public bool ItemBias { get; init; } = true;

    /// <summary>Whether the gradients of the items' vectors and biases are sparse: see <see cref="RowGradient"/>. Not with item features.</summary>
    public bool SparseGradients { get; init; }

    /// <summary>Attributes that are part of an item's vector.</summary>
    public IReadOnlyList<ItemFeature> ItemFeatures { get; init; } = [];

    /// <summary>What the request's context does to the state.</summary>
    public ContextFusion Fusion { get; init; }

    /// <summary>
    /// What keeps this network's weights from being another's, option by option, in words. Items and contexts are compared by number alone;
    /// what does not change how weights are read, as sparse gradients, is not compared.
    /// </summary>
    /// <param name="other">The other network.</param>
    public IEnumerable<string> DifferencesTo(NetworkShape other)
    {
        (string Option, object Own, object Others)[] parts =
        [
            ("items", ItemCount, other.ItemCount),
            ("--context", string.Join(' ', ContextSizes), string.Join(' ', other.ContextSizes)),
            ("--network", Kind, other.Kind),
            ("--dimension", Dimension, other.Dimension),
            ("--state-dimension", Width, other.Width),
            ("--layers", Layers, other.Layers),
            ("--heads", Heads, other.Heads),
            ("--memory", Memory, other.Memory),
            ("--max-history", Positions, other.Positions),
            ("--scale-input", ScaleInput, other.ScaleInput),
            ("--output", Output, other.Output),
            ("--item-bias", ItemBias, other.ItemBias),
            ("--time-gaps", TimeGaps, other.TimeGaps),
            ("--history-context", HistoryContext, other.HistoryContext),
            ("--context-fusion", Fusion, other.Fusion),
            ("--item-feature", ItemFeatures.Count, other.ItemFeatures.Count),
        ];
        var differences = parts.Where(p => !p.Own.Equals(p.Others))
            .Select(p => $"{p.Option} {p.Own}, not {p.Others}".ToLowerInvariant());
        return ItemFeatures.Count != other.ItemFeatures.Count || ItemFeatures.Zip(other.ItemFeatures).All(f => f.First.IsSameAs(f.Second))
            ? differences
            : differences.Append("--item-feature of other attributes, or of items with other values of them");
    }

    /// <summary>Positions that have a vector; 0 where none has.</summary>
    private int Positions => Kind == NetworkKind.Gru || Memory > 0 ? 0 : MaxHistory;
}
