using System.Runtime.InteropServices;

namespace RecoServe.LoadGenerator.Loops;

/// <summary>Blocks a thread to within about 0.1 ms; timers of .NET tick in milliseconds, which is longer than an answer takes.</summary>
internal static partial class Pause
{
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(500);

    /// <summary>Blocks for about this long, or less if it is long: look at the clock again.</summary>
    internal static void For(TimeSpan time)
    {
        if (OperatingSystem.IsWindows())
            Thread.Yield();
        else
            _ = Sleep((uint)Math.Min(time.TotalMicroseconds, Longest.TotalMicroseconds));
    }

    [LibraryImport("libc", EntryPoint = "usleep")]
    private static partial int Sleep(uint microseconds);
}
