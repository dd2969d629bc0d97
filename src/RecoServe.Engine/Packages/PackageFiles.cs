namespace RecoServe.Engine.Packages;

/// <summary>File names, and the names of graph inputs and outputs, of a model package. <c>models/README.md</c> describes the format.</summary>
public static class PackageFiles
{
    /// <summary>The manifest, written last.</summary>
    public const string Manifest = "manifest.json";

    /// <summary>History and context → user state.</summary>
    public const string Encoder = "encoder.onnx";

    /// <summary>User state → logits of all items.</summary>
    public const string Scorer = "scorer.onnx";

    /// <summary>Row-major little-endian float32 [N + 1, d]; row 0 is the start marker. External data of both graphs.</summary>
    public const string ItemMatrix = "item_matrix.f32";

    /// <summary>Little-endian float32 [N + 1]; entry 0 is −∞. External data of the scorer.</summary>
    public const string ItemBias = "item_bias.f32";

    /// <summary>Item ids and attributes in index order.</summary>
    public const string Catalogue = "catalogue.tsv";

    /// <summary>The golden probe.</summary>
    public const string Probe = "probe.json";

    /// <summary>The options of the training run, as <c>recotrain fit --config</c> reads them. Informative, and a package may lack it.</summary>
    public const string Training = "training.yaml";

    /// <summary>All files that a package must have, but the manifest.</summary>
    public static IReadOnlyList<string> Content { get; } = [Encoder, Scorer, ItemMatrix, ItemBias, Catalogue, Probe];

    /// <summary>Encoder input, int32 [batch, length]: 0 (the start marker), then item indexes oldest first, padded with 0 on the right.</summary>
    public const string ItemsInput = "items";

    /// <summary>Encoder input, int32 [batch]: length of each row, the start marker included, so 1 or more.</summary>
    public const string LengthsInput = "lengths";

    /// <summary>
    /// Encoder input, int32 [batch, length]: a <see cref="Inference.TimeGap"/> code for each cell of <see cref="ItemsInput"/>, 0 where it is not
    /// known, for the start marker and for padding. Absent if the model reads no time gaps.
    /// </summary>
    public const string GapsInput = "gaps";

    /// <summary>
    /// Encoder input, int32 [batch, length, fields]: for each cell of <see cref="ItemsInput"/> the codes of the context that it was watched in,
    /// 0 where it is not known, for the start marker and for padding. Absent if the model reads no contexts of watches.
    /// </summary>
    public const string HistoryContextInput = "history_context";

    /// <summary>Encoder input, int32 [batch, fields]: codes of the context values, 0 = unknown. Absent if the model reads no context.</summary>
    public const string ContextInput = "context";

    /// <summary>Encoder output and scorer input, float32 [batch, d].</summary>
    public const string State = "state";

    /// <summary>Scorer output, float32 [batch, N + 1]; column 0 is −∞.</summary>
    public const string Logits = "logits";

    /// <summary>Initializer of both graphs that holds the item matrix.</summary>
    public const string ItemMatrixInitializer = "item_matrix";

    /// <summary>Initializer of the scorer that holds the item biases.</summary>
    public const string ItemBiasInitializer = "item_bias";
}
