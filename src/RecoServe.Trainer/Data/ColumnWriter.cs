using System.Runtime.InteropServices;

namespace RecoServe.Trainer.Data;

/// <summary>Writes a <see cref="Column{T}"/>, number by number, into the directory for temporary files.</summary>
/// <typeparam name="T">A number.</typeparam>
internal sealed class ColumnWriter<T> : IDisposable
    where T : unmanaged
{
    private readonly T[] _buffer = new T[1 << 14];
    private readonly FileStream _file;
    private int _buffered;

    /// <summary>Makes the file. It has no name where the system can do without, so that it goes with the process, however that ends.</summary>
    /// <exception cref="DataException">It cannot be made.</exception>
    public ColumnWriter()
    {
        var path = Path.Combine(Path.GetTempPath(), $"recotrain-{Guid.NewGuid():N}.column");
        try
        {
            _file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.DeleteOnClose);
            if (!OperatingSystem.IsWindows())
                File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NoRoom(e);
        }
    }

    /// <summary>How many numbers there are.</summary>
    public long Count { get; private set; }

    /// <summary>Adds a number.</summary>
    /// <exception cref="DataException">There is no room.</exception>
    public void Add(T number)
    {
        if (_buffered == _buffer.Length)
            Flush();
        _buffer[_buffered++] = number;
        Count++;
    }

    /// <summary>The column of what was added; nothing more can be.</summary>
    public Column<T> Complete()
    {
        Flush();
        return new Column<T>(_file);
    }

    /// <summary>Closes the file; a column of it stays.</summary>
    public void Dispose() => _file.Dispose();

    private static DataException NoRoom(Exception e) =>
        new($"{Path.GetTempPath()}, the directory for temporary files, takes no more of the log (TMPDIR names another): {e.Message}", e);

    private void Flush()
    {
        try
        {
            _file.Write(MemoryMarshal.AsBytes(_buffer.AsSpan(0, _buffered)));
        }
        catch (IOException e)
        {
            throw NoRoom(e);
        }

        _buffered = 0;
    }
}
