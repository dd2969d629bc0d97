using System.Globalization;
using System.Text;

namespace RecoServe.LoadTest.Http2;

/// <summary>
/// Header blocks (HPACK, RFC 7541) without dynamic table: what a gRPC request needs, written once, and the gRPC status in what
/// comes back. The client's settings forbid the server a dynamic table.
/// </summary>
internal static class HeaderBlock
{
    private const int StaticAuthority = 1;
    private const int StaticPost = 3;
    private const int StaticPath = 4;
    private const int StaticHttp = 6;
    private const int StaticContentType = 31;
    private const int TimeoutDigits = 5;

    /// <summary>The header fields of a call; the last of them is the time it has, in milliseconds.</summary>
    internal static byte[] Request(string authority, string path)
    {
        var block = new List<byte> { 0x80 | StaticPost, 0x80 | StaticHttp };
        Literal(StaticPath, path);
        Literal(StaticAuthority, authority);
        AddInteger(block, 0, 4, StaticContentType);
        AddString(block, "application/grpc");
        Named("te", "trailers");
        Named("grpc-timeout", new string('0', TimeoutDigits) + "m");
        return [.. block];

        void Literal(int name, string value)
        {
            AddInteger(block, 0, 4, name);
            AddString(block, value);
        }

        void Named(string name, string value)
        {
            block.Add(0);
            AddString(block, name);
            AddString(block, value);
        }
    }

    /// <summary>Sets the time in a copy of <see cref="Request"/>.</summary>
    internal static void SetTimeout(Span<byte> block, TimeSpan timeout) =>
        ((long)Math.Clamp(timeout.TotalMilliseconds, 1, 99999)).TryFormat(block[^(TimeoutDigits + 1)..^1], out _, "D5", CultureInfo.InvariantCulture);

    /// <summary>The value of <c>grpc-status</c>; null if the block does not have it.</summary>
    /// <exception cref="InvalidDataException">The block uses what the client's settings forbid, or is cut off.</exception>
    internal static int? GrpcStatus(ReadOnlySpan<byte> block)
    {
        int? status = null;
        while (block.Length > 0)
        {
            var first = block[0];
            if ((first & 0x80) != 0)
            {
                ReadInteger(ref block, 7);
                continue;
            }

            if ((first & 0xE0) == 0x20)
            {
                ReadInteger(ref block, 5);
                continue;
            }

            var isNamed = ReadInteger(ref block, (first & 0x40) != 0 ? 6 : 4) == 0;
            var name = isNamed ? ReadString(ref block) : default;
            var value = ReadString(ref block);
            if (name.SequenceEqual("grpc-status"u8))
                status = int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);
        }

        return status;
    }

    private static void AddInteger(List<byte> block, int flags, int prefixBits, int value)
    {
        var most = (1 << prefixBits) - 1;
        block.Add((byte)(flags | Math.Min(value, most)));
        for (var rest = value - most; rest >= 0; rest = rest < 0x80 ? -1 : rest >> 7)
            block.Add((byte)(rest < 0x80 ? rest : (rest & 0x7F) | 0x80));
    }

    private static void AddString(List<byte> block, string text)
    {
        AddInteger(block, 0, 7, text.Length);
        block.AddRange(Encoding.ASCII.GetBytes(text));
    }

    private static int ReadInteger(ref ReadOnlySpan<byte> block, int prefixBits)
    {
        var most = (1 << prefixBits) - 1;
        var value = Take(ref block, 1)[0] & most;
        if (value < most)
            return value;
        for (var shift = 0; ; shift += 7)
        {
            var next = Take(ref block, 1)[0];
            value += (next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
    }

    private static ReadOnlySpan<byte> ReadString(ref ReadOnlySpan<byte> block)
    {
        if (block.Length > 0 && (block[0] & 0x80) != 0)
            throw new InvalidDataException("a header field is Huffman-coded, which this client does not read");
        return Take(ref block, ReadInteger(ref block, 7));
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> block, int length)
    {
        if (length < 0 || length > block.Length)
            throw new InvalidDataException("a header block is cut off");
        var taken = block[..length];
        block = block[length..];
        return taken;
    }
}
