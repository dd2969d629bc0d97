using System.Text;

namespace RecoServe.Engine.Packages;

/// <summary>
/// Strings of a million items as UTF-8 bytes in one piece: four bytes each beside their own, where an object each takes some 50 and is
/// looked at by every full collection.
/// </summary>
/// <param name="expected">Strings to make room for.</param>
internal sealed class Utf8List(int expected)
{
    private const int TypicalLength = 8;

    private byte[] _bytes = new byte[(long)expected * TypicalLength is var room && room < Array.MaxLength ? room : Array.MaxLength];
    private int[] _ends = new int[expected];

    internal int Count { get; private set; }

    /// <summary>String <paramref name="index"/>, 0…Count − 1.</summary>
    internal ReadOnlySpan<byte> this[int index] => _bytes.AsSpan((index == 0 ? 0 : _ends[index - 1]).._ends[index]);

    internal string TextOf(int index) => Encoding.UTF8.GetString(this[index]);

    /// <exception cref="ArgumentException">All together are longer than two gigabytes.</exception>
    internal void Add(ReadOnlySpan<byte> text)
    {
        var start = Count == 0 ? 0 : _ends[Count - 1];
        if (text.Length > Array.MaxLength - start)
            throw new ArgumentException("there is more text than two gigabytes");
        if (start + text.Length > _bytes.Length)
            Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(2L * _bytes.Length, start + text.Length)));
        if (Count == _ends.Length)
            Array.Resize(ref _ends, Math.Max(16, 2 * Count));
        text.CopyTo(_bytes.AsSpan(start));
        _ends[Count++] = start + text.Length;
    }

    /// <summary>Gives back the room that is not used.</summary>
    internal void Trim()
    {
        Array.Resize(ref _bytes, Count == 0 ? 0 : _ends[Count - 1]);
        Array.Resize(ref _ends, Count);
    }
}
