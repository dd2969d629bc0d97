using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Models;

/// <summary>One attribute of all items as a network reads it: the values of item i are <c>Codes[Starts[i] … Starts[i + 1])</c>.</summary>
/// <param name="Values">Number of different values; codes are 0…Values − 1.</param>
/// <param name="Codes">The codes of all items' values, item by item; the start marker, item 0, has none.</param>
/// <param name="Starts">N + 2 numbers.</param>
internal sealed record ItemFeature(int Values, int[] Codes, int[] Starts)
{
    /// <summary>Reads an attribute of a catalogue.</summary>
    /// <exception cref="DataException">The catalogue has no attribute of this name.</exception>
    public static ItemFeature Read(Catalogue catalogue, string name)
    {
        if (!catalogue.Attributes.TryGetValue(name, out var attribute))
        {
            var known = catalogue.Attributes.Count == 0 ? "they have none (--items names a file of them)" : $"they have {string.Join(", ", catalogue.Attributes.Keys)}";
            throw new DataException($"--item-feature {name}: the items have no attribute of this name; {known}");
        }

        var (codes, starts) = (new List<int>(), new int[catalogue.Count + 2]);
        for (var item = 1; item <= catalogue.Count; item++)
        {
            codes.AddRange(attribute.CodesOf(item));
            starts[item + 1] = codes.Count;
        }

        return new ItemFeature(attribute.Values.Count, [.. codes], starts);
    }

    /// <summary>Whether every item has the same codes.</summary>
    public bool IsSameAs(ItemFeature other) => Values == other.Values && Codes.SequenceEqual(other.Codes) && Starts.SequenceEqual(other.Starts);
}
