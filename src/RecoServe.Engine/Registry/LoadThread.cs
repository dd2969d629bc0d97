using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace RecoServe.Engine.Registry;

/// <summary>
/// Runs the work of loading on a thread of its own, if need be of low priority, so that those who serve keep the cores.
/// </summary>
/// <remarks>
/// On Linux priority is the thread's nice value or its policy: neither can be taken back without privileges, and threads that a thread
/// creates inherit them. So the thread ends with its work, and what it runs must start no thread and complete no task: a thread of the
/// pool could be created by it, and stay slow for good. A thread that is joined tells of its end.
/// </remarks>
internal static partial class LoadThread
{
    /// <summary>Added to the nice value: a tenth of the share of a thread of normal priority, enough not to keep a collection waiting.</summary>
    internal const int Nice = 10;

    /// <summary>How long steps are done in idle time alone; the rest then has <see cref="LoadPriority.Low"/>.</summary>
    internal static readonly TimeSpan IdlePatience = TimeSpan.FromSeconds(5);

    private const int ThreadCpuTime = 3;
    private const int IdlePolicy = 5;

    /// <summary>How the name of the thread begins that compiles hot methods: the server has the runtime keep it.</summary>
    private const string CompilerThread = ".NET Tiered";

    /// <summary>Does the work on a thread of its own.</summary>
    /// <param name="name">The thread's.</param>
    /// <param name="priority">The thread's.</param>
    /// <param name="work">Starts no threads and completes no tasks.</param>
    internal static Task<T> RunAsync<T>(string name, LoadPriority priority, Func<T> work) => Task.Factory.StartNew(
        () =>
        {
            (T? result, ExceptionDispatchInfo? failure) = (default, null);
            var thread = new Thread(() =>
            {
                try
                {
                    Lower(priority);
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

    /// <summary>
    /// Does work that can pause, in idle time as far as there is any. What still is to be done after <see cref="IdlePatience"/> is
    /// finished by another thread, which has a small share of the cores for sure.
    /// </summary>
    /// <param name="name">The threads'.</param>
    /// <param name="inIdleTime">Whether others come first; else all is done at once.</param>
    /// <param name="steps">Does one step each time it is moved.</param>
    /// <param name="clock">Measures the patience.</param>
    internal static async Task RunStepsAsync<T>(string name, bool inIdleTime, IEnumerable<T> steps, TimeProvider clock)
    {
        using var rest = steps.GetEnumerator();
        var start = clock.GetTimestamp();
        var ended = inIdleTime && await RunAsync(name, LoadPriority.Idle, () => Advance(() => clock.GetElapsedTime(start) < IdlePatience));
        if (!ended)
            await RunAsync(name, inIdleTime ? LoadPriority.Low : LoadPriority.Normal, () => Advance(() => true));

        bool Advance(Func<bool> mayGoOn)
        {
            while (mayGoOn())
            {
                if (!rest.MoveNext())
                    return true;
            }

            return false;
        }
    }

    /// <summary>Processor time that the present thread has had; null where it is not known.</summary>
    internal static TimeSpan? ProcessorTime() =>
        OperatingSystem.IsLinux() && GetTime(ThreadCpuTime, out var time) == 0
            ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromTicks(time.Nanoseconds / TimeSpan.NanosecondsPerTick)
            : null;

    /// <summary>Of the calling thread; should it fail, loading is only less considerate.</summary>
    private static void Lower(LoadPriority priority)
    {
        if (priority == LoadPriority.Normal)
            return;
        if (!OperatingSystem.IsLinux())
        {
            Thread.CurrentThread.Priority = priority == LoadPriority.Idle ? ThreadPriority.Lowest : ThreadPriority.BelowNormal;
            return;
        }

        _ = SetPriority(0, 0, Nice);
        LowerPriorityOfCompiler();
        if (priority == LoadPriority.Idle)
        {
            var none = 0; // SCHED_IDLE has no parameter
            _ = SetScheduler(0, IdlePolicy, in none);
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

    [LibraryImport("libc", EntryPoint = "sched_setscheduler")]
    private static partial int SetScheduler(int thread, int policy, in int parameter);

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out TimeSpec time);

    private struct TimeSpec
    {
        internal nint Seconds;
        internal nint Nanoseconds;
    }
}
