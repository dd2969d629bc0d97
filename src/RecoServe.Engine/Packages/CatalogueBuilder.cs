using System.Buffers;
using System.Text;

namespace RecoServe.Engine.Packages;

/// <summary>Takes the items of a catalogue one by one.</summary>
internal sealed class CatalogueBuilder
{
    private readonly Utf8Index _ids;
    private readonly Utf8List? _titles;
    private readonly ItemAttribute.Builder?[] _attributes;
    private readonly string[] _columns;
    private readonly ArrayBufferWriter<byte> _encoded = new();

    /// <param name="columns">Names of what comes beside the ids; <see cref="Catalogue.TitleAttribute"/> is not split at <c>|</c>.</param>
    /// <param name="expected">Items to make room for.</param>
    internal CatalogueBuilder(string[] columns, int expected)
    {
        (_columns, _ids) = (columns, new Utf8Index(expected));
        if (columns.Contains(Catalogue.TitleAttribute))
            _titles = new Utf8List(expected);
        _attributes = [.. columns.Select(name => name == Catalogue.TitleAttribute ? null : new ItemAttribute.Builder(name, expected))];
    }

    /// <summary>Begins the next item; a field of each column follows.</summary>
    /// <exception cref="ArgumentException">The id is empty, or stands there already.</exception>
    internal void AddItem(ReadOnlySpan<byte> id)
    {
        if (id.IsEmpty)
            throw new ArgumentException($"the item with index {_ids.Count + 1} has an empty id");
        if (!_ids.TryAdd(id, out var index))
            throw new ArgumentException($"the item id \"{Encoding.UTF8.GetString(id)}\" stands twice, at index {index + 1} and {_ids.Count + 1}");
    }

    internal void AddField(int column, ReadOnlySpan<byte> field)
    {
        if (_attributes[column] is { } attribute)
            attribute.Add(field);
        else
            _titles!.Add(field);
    }

    /// <summary>The same with text that is not UTF-8 yet.</summary>
    /// <param name="id">The item's.</param>
    /// <param name="fields">One of each column.</param>
    /// <exception cref="ArgumentException">The id is empty, or stands there already.</exception>
    internal void Add(string id, IEnumerable<string> fields)
    {
        AddItem(Encode(id));
        foreach (var (column, field) in fields.Index())
            AddField(column, Encode(field));

        ReadOnlySpan<byte> Encode(string text)
        {
            _encoded.ResetWrittenCount();
            Encoding.UTF8.GetBytes(text, _encoded);
            return _encoded.WrittenSpan;
        }
    }

    internal Catalogue Build()
    {
        _ids.Trim();
        _titles?.Trim();
        var attributes = new SortedDictionary<string, ItemAttribute>(StringComparer.Ordinal);
        for (var i = 0; i < _columns.Length; i++)
        {
            if (_attributes[i] is { } builder)
                attributes.Add(_columns[i], builder.Build());
        }

        return new Catalogue(_ids, _titles, attributes);
    }
}
