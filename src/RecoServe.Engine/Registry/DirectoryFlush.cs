using System.Runtime.InteropServices;

namespace RecoServe.Engine.Registry;

/// <summary>Brings the names in a directory to disk, as a file that was moved there is otherwise not yet there after a loss of power.</summary>
internal static partial class DirectoryFlush
{
    /// <summary>Where the system or the file system has no such thing, nothing is done.</summary>
    internal static void Of(string directory)
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
