using System.Runtime.InteropServices;
using System.Text;

namespace RecoServe.Engine.Packages;

/// <summary>
/// Writes files whole: a draft beside the target goes to the disk and is renamed over it. Whoever reads, also after a kill,
/// sees the old file or the new one.
/// </summary>
public static partial class WholeFile
{
    /// <summary>Writes a text; it is on disk when this returns.</summary>
    public static void Write(string path, string text) => Write(path, file => file.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Writes what <paramref name="write"/> writes; it is on disk when this returns.</summary>
    public static void Write(string path, Action<FileStream> write)
    {
        var draft = path + ".draft";
        using (var file = File.Create(draft))
        {
            write(file);
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
        FlushNames(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Else the new name may be lost with the power. Where the system or the file system has no such thing, nothing is done.</summary>
    private static void FlushNames(string directory)
    {
        if (OperatingSystem.IsWindows() || Open(directory, flags: 0) is not (>= 0 and var handle))
            return;
        _ = Sync(handle);
        _ = Close(handle);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}
