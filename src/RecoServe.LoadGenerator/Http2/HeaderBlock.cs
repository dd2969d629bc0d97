using System.Buffers.Text;
using System.Text;
using Grpc.Core;

namespace RecoServe.LoadGenerator.Http2;

/// <summary>
/// As much of header compression (HPACK, RFC 7541) as a gRPC call takes: literal fields whose values are shorter than 127
/// bytes. The client's settings forbid a dynamic table to the server, and Kestrel does not use the Huffman code.
/// </summary>
internal static class HeaderBlock
{
    /// <summary>The header fields of a call.</summary>
    /// <param name="authority">Host and port of the server.</param>
    /// <param name="path">The method: <c>/package.Service/Method</c>.</param>
    /// <param name="timeout">What the server is told of the call's deadline.</param>
    internal static byte[] Request(string authority, string path, TimeSpan timeout) =>
    [
        0x83, 0x86, // :method POST, :scheme http, from the static table
        0x04, .. Text(path), // :path, number 4 there
        0x01, .. Text(authority), // :authority, number 1
        0x0F, 0x10, .. Text("application/grpc"), // content-type, number 31
        0x00, .. Text("te"), .. Text("trailers"),
        0x00, .. Text("grpc-timeout"), .. Text($"{(long)timeout.TotalMilliseconds}m"),
    ];

    /// <summary>The status in trailers; Unknown if there is none.</summary>
    internal static StatusCode GrpcStatus(ReadOnlySpan<byte> trailers)
    {
        // The length before the name tells it from grpc-status-details-bin.
        var name = "\u000bgrpc-status"u8;
        var at = trailers.IndexOf(name);
        return at >= 0 && Utf8Parser.TryParse(trailers[(at + name.Length + 1)..][..trailers[at + name.Length]], out int status, out _) ? (StatusCode)status : StatusCode.Unknown;
    }

    private static byte[] Text(string text) => [checked((byte)text.Length), .. Encoding.ASCII.GetBytes(text)];
}
