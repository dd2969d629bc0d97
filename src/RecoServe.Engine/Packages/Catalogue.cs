using System.Text;

namespace RecoServe.Engine.Packages;

/// <summary>
/// The items of one model version: dense index 1…N ↔ external id, with attributes. Immutable.
/// </summary>
/// <remarks>
/// On disk: UTF-8 text, tab separated, one header line <c>item_id</c> + attribute names, then line n + 1 is the item with
/// index n. A field has no tabs and no line breaks; several values of an attribute are separated by <c>|</c>.
/// </remarks>
public sealed class Catalogue
{
    /// <summary>The attribute that answers show beside the id; not split into several values.</summary>
    public const string TitleAttribute = "title";

    private readonly string[] _ids;
    private readonly Dictionary<string, int> _indexes;
    private readonly string[]? _titles;
    private readonly SortedDictionary<string, ItemAttribute> _attributes;

    private Catalogue(
        string[] ids, Dictionary<string, int> indexes, string[]? titles, SortedDictionary<string, ItemAttribute> attributes) =>
        (_ids, _indexes, _titles, _attributes) = (ids, indexes, titles, attributes);

    /// <summary>Number of items N.</summary>
    public int Count => _ids.Length - 1;

    /// <summary>The attributes that filters can name, by name; the title is not among them.</summary>
    public IReadOnlyDictionary<string, ItemAttribute> Attributes => _attributes;

    /// <summary>The external id of item <paramref name="index"/>, 1…N.</summary>
    public string IdOf(int index) => _ids[index];

    /// <summary>The title of item <paramref name="index"/>, 1…N; empty if the catalogue has none.</summary>
    public string TitleOf(int index) => _titles?[index] ?? "";

    /// <summary>Finds an item's index by its external id.</summary>
    public bool TryGetIndex(string id, out int index) => _indexes.TryGetValue(id, out index);

    /// <summary>Builds a catalogue from columns.</summary>
    /// <param name="ids">Item ids in index order: the first has index 1. Not empty, each once.</param>
    /// <param name="columns">Attribute name → one field an item, in the same order. <c>title</c> is taken as it is, the others are split at <c>|</c>.</param>
    /// <exception cref="ArgumentException">An id is empty or stands twice; a column has another length.</exception>
    public static Catalogue Create(IReadOnlyList<string> ids, IReadOnlyDictionary<string, IReadOnlyList<string>> columns)
    {
        var padded = new string[ids.Count + 1];
        padded[0] = "";
        var indexes = new Dictionary<string, int>(ids.Count, StringComparer.Ordinal);
        for (var i = 0; i < ids.Count; i++)
        {
            padded[i + 1] = ids[i];
            if (ids[i].Length == 0)
                throw new ArgumentException($"the item with index {i + 1} has an empty id");
            if (!indexes.TryAdd(ids[i], i + 1))
                throw new ArgumentException($"the item id \"{ids[i]}\" stands twice, at index {indexes[ids[i]]} and {i + 1}");
        }

        string[]? titles = null;
        var attributes = new SortedDictionary<string, ItemAttribute>(StringComparer.Ordinal);
        foreach (var (name, fields) in columns)
        {
            if (fields.Count != ids.Count)
                throw new ArgumentException($"attribute {name} has {fields.Count} values for {ids.Count} items");
            if (name == TitleAttribute)
                titles = ["", .. fields];
            else
                attributes.Add(name, ItemAttribute.Create(name, fields));
        }

        return new Catalogue(padded, indexes, titles, attributes);
    }

    /// <summary>Reads a catalogue file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="expected">Items that it should have: memory is claimed for so many at once.</param>
    /// <exception cref="PackageException">Names the file and the line.</exception>
    public static Catalogue Read(string path, int expected = 0)
    {
        using var reader = new StreamReader(path, Encoding.UTF8);
        var header = reader.ReadLine()?.Split('\t') ?? throw new PackageException(path, "is empty");
        if (header[0] != "item_id")
            throw new PackageException(path, $"line 1 must begin with item_id, not \"{header[0]}\"");
        var columns = header.Select(_ => new List<string>(expected)).ToArray();
        for (var line = 2; reader.ReadLine() is { } text; line++)
        {
            var fields = text.Split('\t');
            if (fields.Length != header.Length)
                throw new PackageException(path, $"line {line} has {fields.Length} fields, the header has {header.Length}");
            for (var c = 0; c < fields.Length; c++)
                columns[c].Add(fields[c]);
        }

        try
        {
            return Create(columns[0], header.Zip(columns).Skip(1).ToDictionary(c => c.First, c => (IReadOnlyList<string>)c.Second));
        }
        catch (ArgumentException e)
        {
            throw new PackageException(path, e.Message, e);
        }
    }

    /// <summary>Writes a catalogue file.</summary>
    /// <exception cref="PackageException">A field holds a tab or a line break.</exception>
    public void Write(string path)
    {
        using var writer = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { NewLine = "\n" };
        var names = _titles is null ? _attributes.Keys.ToArray() : [TitleAttribute, .. _attributes.Keys];
        writer.WriteLine(string.Join('\t', ["item_id", .. names]));
        for (var i = 1; i <= Count; i++)
        {
            string[] fields = [_ids[i], .. names.Select(n => n == TitleAttribute ? TitleOf(i) : string.Join('|', _attributes[n].ValuesOf(i)))];
            foreach (var field in fields)
            {
                if (field.AsSpan().IndexOfAny('\t', '\n', '\r') >= 0)
                    throw new PackageException(path, $"line {i + 1}: the field \"{field}\" holds a tab or a line break");
            }

            writer.WriteLine(string.Join('\t', fields));
        }
    }
}
