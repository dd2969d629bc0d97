using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace RecoServe.Engine.Registry;

/// <summary>
/// Divides requests into shares. One who has a key is always at the same place in [0, 100): whoever is in a share of 5 % is in that
/// of 10 % too, on every machine. Without a key the places follow each other evenly.
/// </summary>
internal sealed class StickyShare
{
    /// <summary>2⁶⁴ ÷ golden ratio: multiples of it are spread as evenly as can be (Weyl sequence).</summary>
    private const ulong Step = 0x9E3779B97F4A7C15;

    private long _drawn;

    /// <summary>Whether a request is within the first so many percent.</summary>
    /// <param name="percent">0 to 100.</param>
    /// <param name="model">Whose versions share the requests: another model divides its users otherwise.</param>
    /// <param name="key">The user, or the request; empty if neither is known.</param>
    internal bool Includes(double percent, string model, string key) =>
        percent >= 100 || (percent > 0 && PlaceOf(key.Length > 0 ? Hash(model, key) : (ulong)Interlocked.Increment(ref _drawn) * Step) < percent);

    /// <summary>The upper 53 bits, which a double holds, as a place in [0, 100).</summary>
    private static double PlaceOf(ulong bits) => (bits >> 11) * (100.0 / (1UL << 53));

    /// <summary>Not the hash that seeds are made of: the version and the draws of a user must not hang together.</summary>
    private static ulong Hash(string model, string key)
    {
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"traffic\n{model}\n{key}"), bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }
}
