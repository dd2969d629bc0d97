namespace RecoServe.Benchmarks.Sampling;

/// <summary>
/// Rows of one kind, given out in turn so that no branch predictor learns them, and so many that they do not stay in the
/// nearest cache. Made once a process; for one thread at a time.
/// </summary>
internal sealed class RowSet
{
    private static readonly Dictionary<(string Kind, int Items), RowSet> Made = [];

    private readonly Lazy<Dictionary<(double TopP, int TopK), ExactNucleus>[]> _nuclei;
    private int _next;

    private RowSet(string kind, int items)
    {
        Rows = [.. Enumerable.Range(0, items < 1_000_000 ? 64 : 6).Select(seed => LogitRows.Make(kind, items, seed))];
        _nuclei = new(() => [.. Rows.Select(row => new Ranking(row)).Select(ranking => Asked.ToDictionary(a => a, a => ranking.Nucleus(a.TopP, a.TopK)))]);
    }

    /// <summary>The sizes N for which goals are set.</summary>
    internal static readonly int[] Sizes = [10_000, 100_000, 1_000_000];

    /// <summary>The top_p and top_k for which nuclei are known: ranking a row takes far longer than reading off all of them.</summary>
    internal static readonly (double TopP, int TopK)[] Asked = [(1e-6, 0), (0.1, 0), (0.5, 0), (0.9, 0), (0.99, 0), (0.999, 0), (1, 0), (0.9, 100)];

    /// <summary>The rows.</summary>
    internal IReadOnlyList<float[]> Rows { get; }

    /// <summary>The rows of a kind.</summary>
    internal static RowSet Of(string kind, int items)
    {
        if (!Made.TryGetValue((kind, items), out var rows))
            Made.Add((kind, items), rows = new RowSet(kind, items));
        return rows;
    }

    /// <summary>The next row.</summary>
    internal float[] Next()
    {
        _next = _next + 1 < Rows.Count ? _next + 1 : 0;
        return Rows[_next];
    }

    /// <summary>The median size of the rows' nuclei.</summary>
    internal int NucleusSize(double topP) => Enumerable.Range(0, Rows.Count).Select(row => Nucleus(row, topP, topK: 0).Size).Order().ElementAt(Rows.Count / 2);

    /// <summary>The true nucleus of a row.</summary>
    internal ExactNucleus Nucleus(int row, double topP, int topK) => _nuclei.Value[row][(topP, topK)];
}
