using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace RecoServe.Engine.Registry;

/// <summary>
/// Runs the work of loading on a thread of its own, if need be of low priority, so that those who serve keep the cores.
/// </summary>
/// <remarks>
/// On Linux priority is the thread's nice value: it cannot be taken back without privileges, and threads that a thread creates
/// inherit it. So the thread ends with its work, and what it runs must start no thread and complete no task: a thread of the
/// pool could be created by it, and stay slow for good. A thread that is joined tells of its end.
/// </remarks>
internal static partial class LoadThread
{
    /// <summary>Added to the nice value: a tenth of the share of a thread of normal priority, enough not to keep a collection waiting.</summary>
    internal const int Nice = 10;

    private const int ThreadCpuTime = 3;

    /// <summary>How the name of the thread begins that compiles hot methods: the server has the runtime keep it.</summary>
    private const string CompilerThread = ".NET Tiered";

    /// <summary>Does the work on a thread of its own.</summary>
    /// <param name="name">The thread's.</param>
    /// <param name="lowPriority">Whether others come first.</param>
    /// <param name="work">Starts no threads and completes no tasks.</param>
    internal static Task<T> RunAsync<T>(string name, bool lowPriority, Func<T> work) => Task.Factory.StartNew(
        () =>
        {
            (T? result, ExceptionDispatchInfo? failure) = (default, null);
            var thread = new Thread(() =>
            {
                try
                {
                    if (lowPriority)
                        LowerPriority();
                    result = work();
                }
                catch (Exception e)
                {
                    failure = ExceptionDispatchInfo.Capture(e); // whatever it is, it is the caller's
                }
            })
            {
                IsBackground = true,
                Name = name,
            };
            thread.Start();
            thread.Join();
            failure?.Throw();
            return result!;
        },
        CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Processor time that the present thread has had; null where it is not known.</summary>
    internal static TimeSpan? ProcessorTime() =>
        OperatingSystem.IsLinux() && GetTime(ThreadCpuTime, out var time) == 0
            ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromTicks(time.Nanoseconds / TimeSpan.NanosecondsPerTick)
            : null;

    private static void LowerPriority()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = SetPriority(0, 0, Nice); // of the calling thread; should it fail, loading is only less considerate
            LowerPriorityOfCompiler();
        }
        else
        {
            Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
        }
    }

    /// <summary>
    /// What loading makes hot is compiled anew by a thread of the runtime, which would take a core from those who serve for tens of
    /// milliseconds. They have been compiled for long when the next version is loaded.
    /// </summary>
    private static void LowerPriorityOfCompiler()
    {
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            try
            {
                if (File.ReadAllText(Path.Combine(thread, "comm")).StartsWith(CompilerThread, StringComparison.Ordinal))
                    _ = SetPriority(0, uint.Parse(Path.GetFileName(thread), CultureInfo.InvariantCulture), Nice);
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int priority);

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out TimeSpec time);

    private struct TimeSpec
    {
        internal nint Seconds;
        internal nint Nanoseconds;
    }
}
