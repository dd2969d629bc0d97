namespace RecoServe.Engine.Packages;

/// <summary>One attribute of all items, indexed both ways: the values of an item, the items of a value. Immutable.</summary>
public sealed class ItemAttribute
{
    private readonly string[] _values;
    private readonly Utf8Index _codes;
    private readonly int[] _valueStarts;
    private readonly int[] _valueCodes;
    private readonly int[][] _items;

    private ItemAttribute(string name, Utf8Index codes, int[] valueStarts, int[] valueCodes, int[][] items)
    {
        Name = name;
        (_codes, _valueStarts, _valueCodes, _items) = (codes, valueStarts, valueCodes, items);
        _values = [.. Enumerable.Range(0, codes.Count).Select(codes.TextOf)];
    }

    /// <summary>The attribute's name.</summary>
    public string Name { get; }

    /// <summary>Every value that some item has, in order of first appearance.</summary>
    public IReadOnlyList<string> Values => _values;

    /// <summary>Indexes of the items that have <paramref name="value"/>, ascending; empty for a value nobody has.</summary>
    public ReadOnlySpan<int> ItemsWith(string value) => _codes.TryFind(value, out var code) ? _items[code] : [];

    /// <summary>The values of item <paramref name="index"/>, 1…N.</summary>
    public IEnumerable<string> ValuesOf(int index)
    {
        for (var i = _valueStarts[index]; i < _valueStarts[index + 1]; i++)
            yield return _values[_valueCodes[i]];
    }

    /// <summary>The same as places in <see cref="Values"/>.</summary>
    public ReadOnlySpan<int> CodesOf(int index) => _valueCodes.AsSpan(_valueStarts[index].._valueStarts[index + 1]);

    /// <summary>Takes the fields of all items in order.</summary>
    /// <param name="name">The attribute's.</param>
    /// <param name="expected">Items to make room for.</param>
    internal sealed class Builder(string name, int expected)
    {
        private readonly Utf8Index _codes = new(0);
        private readonly List<List<int>> _items = [];
        private readonly List<int> _valueCodes = new(expected);
        private readonly List<int> _starts = new(expected + 2) { 0, 0 };

        /// <summary>Takes the next item's values, separated by <c>|</c>.</summary>
        internal void Add(ReadOnlySpan<byte> field)
        {
            var item = _starts.Count - 1;
            foreach (var range in field.Split((byte)'|'))
            {
                var value = field[range];
                if (value.IsEmpty)
                    continue;
                if (_codes.TryAdd(value, out var code))
                    _items.Add([]);
                _items[code].Add(item);
                _valueCodes.Add(code);
            }

            _starts.Add(_valueCodes.Count);
        }

        internal ItemAttribute Build()
        {
            _codes.Trim();
            return new ItemAttribute(name, _codes, [.. _starts], [.. _valueCodes], [.. _items.Select(l => l.ToArray())]);
        }
    }
}
