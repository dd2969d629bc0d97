using System.Buffers;
using System.IO.Hashing;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;

namespace RecoServe.Engine.Packages;

/// <summary>Strings that are each there once, numbered from 0 in the order they came: by number, and by text.</summary>
/// <param name="expected">Strings to make room for.</param>
internal sealed class Utf8Index(int expected)
{
    /// <summary>UTF-8 bytes that are looked up without a buffer of the pool.</summary>
    private const int ShortText = 256;

    private readonly Utf8List _texts = new(expected);

    /// <summary>Open addressing, at most two thirds full: number + 1, or 0.</summary>
    private int[] _table = new int[TableSize(expected)];

    internal int Count => _texts.Count;

    internal string TextOf(int index) => _texts.TextOf(index);

    /// <summary>Adds a string unless it is there.</summary>
    /// <param name="text">In UTF-8.</param>
    /// <param name="index">Its number.</param>
    /// <exception cref="ArgumentException">All together are longer than two gigabytes.</exception>
    internal bool TryAdd(ReadOnlySpan<byte> text, out int index)
    {
        var place = PlaceOf(text);
        index = _table[place] - 1;
        if (index >= 0)
            return false;
        index = _texts.Count;
        _texts.Add(text);
        _table[place] = index + 1;
        if (3L * _texts.Count > 2L * _table.Length)
            Grow();
        return true;
    }

    /// <summary>Finds a string's number; −1 if it is not there.</summary>
    [SkipLocalsInit]
    internal bool TryFind(string text, out int index)
    {
        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        var rented = most > ShortText ? ArrayPool<byte>.Shared.Rent(most) : null;
        var bytes = rented ?? stackalloc byte[ShortText];
        index = _table[PlaceOf(bytes[..Encoding.UTF8.GetBytes(text, bytes)])] - 1;
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
        return index >= 0;
    }

    /// <summary>Gives back the room that is not used.</summary>
    internal void Trim() => _texts.Trim();

    private static int TableSize(int count) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, (count / 2 * 3) + 3));

    /// <summary>Where a string is, or would be.</summary>
    private int PlaceOf(ReadOnlySpan<byte> text)
    {
        var mask = _table.Length - 1;
        for (var place = (int)XxHash3.HashToUInt64(text) & mask; ; place = (place + 1) & mask)
        {
            if (_table[place] is 0 || _texts[_table[place] - 1].SequenceEqual(text))
                return place;
        }
    }

    private void Grow()
    {
        _table = new int[2 * _table.Length];
        for (var i = 0; i < _texts.Count; i++)
            _table[PlaceOf(_texts[i])] = i + 1;
    }
}
