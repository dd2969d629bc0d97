using System.CommandLine;
using RecoServe.Trainer.Commands;

namespace RecoServe.Trainer.Tests;

/// <summary>
/// Notes on which thread a command writes its result. Ctrl-C is handled only once a command's action has returned its task, so that the work must be
/// on another thread than the caller's.
/// </summary>
internal sealed class ActionThread : StringWriter
{
    private bool? _isOfPool;

    public override void WriteLine(string? value)
    {
        _isOfPool ??= Thread.CurrentThread.IsThreadPoolThread;
        base.WriteLine(value);
    }

    /// <summary>Runs a command from a thread that is none of the pool's, and says whether its result came from one that is; null without a result.</summary>
    public static async Task<bool?> IsOfPoolAsync(Command command, string[] arguments)
    {
        using var output = new ActionThread();
        var called = new TaskCompletionSource<Task<int>>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => called.SetResult(CommandRunner.RunAsync(new RootCommand { command }, arguments, output, TextWriter.Null))).Start();
        Assert.Equal(0, await await called.Task);
        return output._isOfPool;
    }
}
