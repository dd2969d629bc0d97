namespace RecoServe.Engine.Packages;

/// <summary>Reads the lines of a text in UTF-8 without making strings of them.</summary>
internal static class Utf8Lines
{
    private const int BufferSize = 1 << 16;

    /// <summary>Takes a line without its end.</summary>
    internal delegate void Taker(ReadOnlySpan<byte> line);

    /// <summary>Gives every line, which ends with LF, CR LF or the text; a byte order mark is passed over.</summary>
    internal static void Read(Stream text, Taker take)
    {
        var buffer = new byte[BufferSize];
        var (filled, isFirst) = (0, true);
        while (text.Read(buffer, filled, buffer.Length - filled) is > 0 and var read)
        {
            var rest = buffer.AsSpan(0, filled + read);
            // What was left over has no line end: it is not searched again.
            for (var end = rest[filled..].IndexOf((byte)'\n') is >= 0 and var found ? filled + found : -1; end >= 0; end = rest.IndexOf((byte)'\n'))
            {
                Take(rest[..end]);
                rest = rest[(end + 1)..];
            }

            rest.CopyTo(buffer);
            filled = rest.Length;
            if (filled == buffer.Length)
                Array.Resize(ref buffer, 2 * buffer.Length);
        }

        if (filled > 0)
            Take(buffer.AsSpan(0, filled));

        void Take(ReadOnlySpan<byte> line)
        {
            if (isFirst && line.StartsWith("\uFEFF"u8))
                line = line[3..];
            isFirst = false;
            take(line.EndsWith("\r"u8) ? line[..^1] : line);
        }
    }
}
