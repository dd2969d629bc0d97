using System.Runtime.InteropServices;

namespace RecoServe.Engine.Packages;

/// <summary>One attribute of all items, indexed both ways: the values of an item, the items of a value. Immutable.</summary>
public sealed class ItemAttribute
{
    private readonly string[] _values;
    private readonly Dictionary<string, int> _codes;
    private readonly int[] _valueStarts;
    private readonly int[] _valueCodes;
    private readonly int[][] _items;

    private ItemAttribute(string name, string[] values, Dictionary<string, int> codes, int[] valueStarts, int[] valueCodes, int[][] items)
    {
        Name = name;
        (_values, _codes, _valueStarts, _valueCodes, _items) = (values, codes, valueStarts, valueCodes, items);
    }

    /// <summary>The attribute's name.</summary>
    public string Name { get; }

    /// <summary>Every value that some item has, in order of first appearance.</summary>
    public IReadOnlyList<string> Values => _values;

    /// <summary>Indexes of the items that have <paramref name="value"/>, ascending; empty for a value nobody has.</summary>
    public ReadOnlySpan<int> ItemsWith(string value) => _codes.TryGetValue(value, out var code) ? _items[code] : [];

    /// <summary>The values of item <paramref name="index"/>, 1…N.</summary>
    public IEnumerable<string> ValuesOf(int index)
    {
        for (var i = _valueStarts[index]; i < _valueStarts[index + 1]; i++)
            yield return _values[_valueCodes[i]];
    }

    /// <summary>The same as places in <see cref="Values"/>.</summary>
    public ReadOnlySpan<int> CodesOf(int index) => _valueCodes.AsSpan(_valueStarts[index].._valueStarts[index + 1]);

    internal static ItemAttribute Create(string name, IReadOnlyList<string> fields)
    {
        var values = new List<string>();
        var codes = new Dictionary<string, int>(StringComparer.Ordinal);
        var items = new List<List<int>>();
        var starts = new int[fields.Count + 2];
        var valueCodes = new List<int>(fields.Count);
        for (var i = 0; i < fields.Count; i++)
        {
            foreach (var value in fields[i].Split('|', StringSplitOptions.RemoveEmptyEntries))
            {
                ref var code = ref CollectionsMarshal.GetValueRefOrAddDefault(codes, value, out var known);
                if (!known)
                {
                    code = values.Count;
                    values.Add(value);
                    items.Add([]);
                }

                items[code].Add(i + 1);
                valueCodes.Add(code);
            }

            starts[i + 2] = valueCodes.Count;
        }

        return new ItemAttribute(name, [.. values], codes, starts, [.. valueCodes], [.. items.Select(l => l.ToArray())]);
    }
}
