using RecoServe.Engine.Packages;

namespace RecoServe.Trainer.Evaluation;

/// <summary>One attribute of all items as numbers.</summary>
internal sealed class ItemCodes
{
    private readonly int[][] _codes;

    private ItemCodes(int[][] codes, int valueCount) => (_codes, ValueCount) = (codes, valueCount);

    /// <summary>Number of different values.</summary>
    public int ValueCount { get; }

    /// <summary>The codes of an attribute; null if items do not have it.</summary>
    public static ItemCodes? Of(Catalogue catalogue, string attribute) => catalogue.Attributes.TryGetValue(attribute, out var values)
        ? new ItemCodes([[], .. Enumerable.Range(1, catalogue.Count).Select(i => values.CodesOf(i).ToArray().Distinct().ToArray())], values.Values.Count)
        : null;

    /// <summary>The values of item <paramref name="item"/>, each once.</summary>
    public ReadOnlySpan<int> Of(int item) => _codes[item];

    /// <summary>Whether two items have a value in common.</summary>
    public bool Share(int a, int b) => Of(a).IndexOfAny(Of(b)) >= 0;

    /// <summary>1 − |A ∩ B| / |A ∪ B| of two items' values (Jaccard distance); NaN if either has none.</summary>
    public double Distance(int a, int b)
    {
        if (Of(a).IsEmpty || Of(b).IsEmpty)
            return double.NaN;
        var common = 0;
        foreach (var code in Of(a))
            common += Of(b).Contains(code) ? 1 : 0;
        return 1 - ((double)common / (Of(a).Length + Of(b).Length - common));
    }
}
