using System.Runtime.InteropServices;

namespace RecoServe.Engine.Registry;

/// <summary>Memory that native code and our own native buffers hold in this process.</summary>
internal static partial class NativeHeap
{
    /// <summary>Bytes in use; null where the C library does not tell (it is glibc's 2.33 that does).</summary>
    internal static long? BytesInUse()
    {
        if (!OperatingSystem.IsLinux())
            return null;
        try
        {
            var info = MallInfo();
            return (long)(info.InUse + info.Mapped);
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "mallinfo2")]
    private static partial AllocatorInfo MallInfo();

    [StructLayout(LayoutKind.Sequential)]
    private struct AllocatorInfo
    {
        private nuint _arena;
        private nuint _freeBlocks;
        private nuint _fastBlocks;
        private nuint _mappedBlocks;
        internal nuint Mapped;
        private nuint _unused;
        private nuint _fastFree;
        internal nuint InUse;
        private nuint _free;
        private nuint _releasable;
    }
}
