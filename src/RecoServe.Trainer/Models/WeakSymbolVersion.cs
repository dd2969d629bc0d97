using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace RecoServe.Trainer.Models;

/// <summary>
/// Marks a needed symbol version of a 64-bit little-endian ELF library as weak, so that the dynamic loader accepts a system
/// library that does not define it (System V ABI, "Symbol Versioning": <c>VER_FLG_WEAK</c> in <c>vna_flags</c>).
/// </summary>
internal static class WeakSymbolVersion
{
    private const uint DynamicSymbols = 11, VersionNeeds = 0x6ffffffe, SymbolVersions = 0x6fffffff;
    private const ushort WeakFlag = 2;

    /// <summary>Sets the flag in place.</summary>
    /// <param name="elf">The library's bytes.</param>
    /// <param name="version">The version, for example <c>GLIBCXX_3.4.32</c>.</param>
    /// <param name="onlyUser">The one symbol that may be bound to that version: it must be one that nobody calls.</param>
    /// <exception cref="InvalidDataException">Not such a library, no such version, or another symbol is bound to it.</exception>
    public static void Set(Span<byte> elf, string version, string onlyUser)
    {
        try
        {
            if (elf.Length < 64 || !elf[..6].SequenceEqual("\u007fELF\u0002\u0001"u8))
                throw new InvalidDataException("is not a 64-bit little-endian ELF file");
            var needs = Find(elf, VersionNeeds);
            var entry = EntryOf(elf, needs, version);
            RequireOnlyUser(elf, U16(elf, entry + 6), version, onlyUser);
            BinaryPrimitives.WriteUInt16LittleEndian(elf[(entry + 4)..], (ushort)(U16(elf, entry + 4) | WeakFlag));
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IndexOutOfRangeException or OverflowException)
        {
            throw new InvalidDataException("is a damaged ELF file: a table points outside the file", e);
        }
    }

    /// <summary>Offset of the <c>Elf64_Vernaux</c> (hash 4, flags 2, index 2, name 4, next 4 bytes) with this name.</summary>
    private static int EntryOf(ReadOnlySpan<byte> elf, Section needs, string version)
    {
        var strings = At(elf, needs.Link);
        for (var file = needs.Offset; ; file += (int)U32(elf, file + 12))
        {
            var entry = file + (int)U32(elf, file + 8);
            for (var left = U16(elf, file + 2); left > 0; left--, entry += (int)U32(elf, entry + 12))
            {
                if (Text(elf, strings.Offset + (int)U32(elf, entry + 8)) == version)
                    return entry;
            }

            if (U32(elf, file + 12) == 0)
                throw new InvalidDataException($"does not need the symbol version {version}");
        }
    }

    private static void RequireOnlyUser(ReadOnlySpan<byte> elf, ushort index, string version, string onlyUser)
    {
        var symbols = Find(elf, DynamicSymbols);
        var versions = Find(elf, SymbolVersions);
        var strings = At(elf, symbols.Link);
        for (var i = 0; i < symbols.Size / 24; i++)
        {
            if ((U16(elf, versions.Offset + (2 * i)) & 0x7fff) != index)
                continue;
            var name = Text(elf, strings.Offset + (int)U32(elf, symbols.Offset + (24 * i)));
            if (name != onlyUser)
                throw new InvalidDataException($"binds {name} to {version}; only {onlyUser} was expected");
        }
    }

    private static Section Find(ReadOnlySpan<byte> elf, uint type)
    {
        for (var i = 0; i < U16(elf, 60); i++)
        {
            var section = At(elf, i);
            if (section.Type == type)
                return section;
        }

        throw new InvalidDataException($"has no section of type 0x{type:x}");
    }

    private static Section At(ReadOnlySpan<byte> elf, int index)
    {
        var header = elf.Slice(checked((int)(U64(elf, 40) + ((ulong)U16(elf, 58) * (ulong)index))), 64);
        return new Section(U32(header, 4), checked((int)U64(header, 24)), checked((int)U64(header, 32)), (int)U32(header, 40));
    }

    private static string Text(ReadOnlySpan<byte> elf, int offset)
    {
        var rest = elf[offset..];
        return Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)0)]);
    }

    private static ushort U16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Section(uint Type, int Offset, int Size, int Link);
}
