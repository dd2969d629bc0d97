using System.Text;
using System.Text.Unicode;

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

    private readonly Utf8Index _ids;
    private readonly Utf8List? _titles;
    private readonly SortedDictionary<string, ItemAttribute> _attributes;

    internal Catalogue(Utf8Index ids, Utf8List? titles, SortedDictionary<string, ItemAttribute> attributes) =>
        (_ids, _titles, _attributes) = (ids, titles, attributes);

    /// <summary>Number of items N.</summary>
    public int Count => _ids.Count;

    /// <summary>The attributes that filters can name, by name; the title is not among them.</summary>
    public IReadOnlyDictionary<string, ItemAttribute> Attributes => _attributes;

    /// <summary>The external id of item <paramref name="index"/>, 1…N.</summary>
    public string IdOf(int index) => _ids.TextOf(index - 1);

    /// <summary>The title of item <paramref name="index"/>, 1…N; empty if the catalogue has none.</summary>
    public string TitleOf(int index) => _titles?.TextOf(index - 1) ?? "";

    /// <summary>Finds an item's index by its external id.</summary>
    public bool TryGetIndex(string id, out int index)
    {
        var found = _ids.TryFind(id, out var number);
        index = number + 1; // 0, the padding, if there is none
        return found;
    }

    /// <summary>Builds a catalogue from columns.</summary>
    /// <param name="ids">Item ids in index order: the first has index 1. Not empty, each once.</param>
    /// <param name="columns">Attribute name → one field an item, in the same order. <c>title</c> is taken as it is, the others are split at <c>|</c>.</param>
    /// <exception cref="ArgumentException">An id is empty or stands twice; a column has another length.</exception>
    public static Catalogue Create(IReadOnlyList<string> ids, IReadOnlyDictionary<string, IReadOnlyList<string>> columns)
    {
        foreach (var (name, fields) in columns)
        {
            if (fields.Count != ids.Count)
                throw new ArgumentException($"attribute {name} has {fields.Count} values for {ids.Count} items");
        }

        var builder = new CatalogueBuilder([.. columns.Keys], ids.Count);
        for (var i = 0; i < ids.Count; i++)
            builder.Add(ids[i], columns.Values.Select(fields => fields[i]));
        return builder.Build();
    }

    /// <summary>Reads a catalogue file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="expected">Items that it should have: memory is claimed for so many at once.</param>
    /// <exception cref="PackageException">Names the file and the line.</exception>
    public static Catalogue Read(string path, int expected = 0)
    {
        CatalogueBuilder? builder = null;
        var (columns, line) = (0, 0);
        try
        {
            using var file = File.OpenRead(path);
            Utf8Lines.Read(file, text =>
            {
                if (!Utf8.IsValid(text))
                    throw new PackageException(path, $"line {line + 1} is not valid UTF-8");
                if (line++ == 0)
                {
                    var header = Encoding.UTF8.GetString(text).Split('\t');
                    if (header[0] != "item_id")
                        throw new PackageException(path, $"line 1 must begin with item_id, not \"{header[0]}\"");
                    (columns, builder) = (header.Length, new CatalogueBuilder(header[1..], expected));
                    return;
                }

                var fields = text.Count((byte)'\t') + 1;
                if (fields != columns)
                    throw new PackageException(path, $"line {line} has {fields} fields, the header has {columns}");
                var column = -1;
                foreach (var range in text.Split((byte)'\t'))
                {
                    if (column < 0)
                        builder!.AddItem(text[range]);
                    else
                        builder!.AddField(column, text[range]);
                    column++;
                }
            });
            return builder?.Build() ?? throw new PackageException(path, "is empty");
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
            string[] fields = [IdOf(i), .. names.Select(n => n == TitleAttribute ? TitleOf(i) : string.Join('|', _attributes[n].ValuesOf(i)))];
            foreach (var field in fields)
            {
                if (field.AsSpan().IndexOfAny('\t', '\n', '\r') >= 0)
                    throw new PackageException(path, $"line {i + 1}: the field \"{field}\" holds a tab or a line break");
            }

            writer.WriteLine(string.Join('\t', fields));
        }
    }
}
