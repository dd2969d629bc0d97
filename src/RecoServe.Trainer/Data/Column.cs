using System.Buffers;
using System.Collections;
using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RecoServe.Trainer.Data;

/// <summary>
/// Numbers in a file without a name that is mapped: of a column longer than memory, the system keeps what is read. Nothing that was read from it may be used
/// after it has been disposed of, which nobody else does: a span does not tell that it is in use.
/// </summary>
/// <typeparam name="T">A number.</typeparam>
[CollectionBuilder(typeof(Column), nameof(Column.Create))]
internal sealed unsafe class Column<T> : IEnumerable<T>, IDisposable
    where T : unmanaged
{
    private const int BlockLength = 1 << 16;

    private readonly SafeBuffer? _view;
    private T* _first;

    /// <summary>The numbers of a file.</summary>
    public Column(FileStream file)
    {
        Count = file.Length / sizeof(T);
        if (Count == 0)
            return;
        using var mapping = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        var view = mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view = view.SafeMemoryMappedViewHandle;
        byte* first = null;
        _view.AcquirePointer(ref first); // so that no finaliser unmaps it
        _first = (T*)(first + view.PointerOffset);
    }

    /// <summary>How many.</summary>
    public long Count { get; }

    /// <summary>Some of them.</summary>
    public ReadOnlyMemory<T> Slice(long start, int count)
    {
        ObjectDisposedException.ThrowIf(_first is null && Count > 0, this);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + count, Count);
        return count == 0 ? default : new Piece(_first + start, count).Memory;
    }

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator()
    {
        for (var start = 0L; start < Count; start += BlockLength)
        {
            var block = Slice(start, (int)Math.Min(BlockLength, Count - start));
            for (var i = 0; i < block.Length; i++)
                yield return block.Span[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Unmaps the file, which then is no more.</summary>
    public void Dispose()
    {
        if (_first is null)
            return;
        _first = null;
        _view!.ReleasePointer();
        _view.Dispose();
    }

    private sealed class Piece(T* first, int count) : MemoryManager<T>
    {
        public override Span<T> GetSpan() => new(first, count);

        public override MemoryHandle Pin(int elementIndex = 0) => new(first + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}

/// <summary>Makes columns.</summary>
internal static class Column
{
    /// <summary>A column of these numbers.</summary>
    public static Column<T> Create<T>(ReadOnlySpan<T> numbers)
        where T : unmanaged
    {
        using var writer = new ColumnWriter<T>();
        foreach (var number in numbers)
            writer.Add(number);
        return writer.Complete();
    }
}
