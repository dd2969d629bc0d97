using System.CommandLine;

namespace RecoServe.Trainer.Commands;

/// <summary>What takes a while, on a thread of its own: Ctrl-C is handled only once a command's action has returned its task.</summary>
internal static class CommandWork
{
    /// <summary>Sets what a command does, and the exit code.</summary>
    public static void SetWork(this Command command, Func<ParseResult, CancellationToken, int> work) =>
        command.SetAction((result, cancellationToken) => Task.Run(() => work(result, cancellationToken), CancellationToken.None));

    /// <inheritdoc cref="SetWork(Command, Func{ParseResult, CancellationToken, int})"/>
    public static void SetWork(this Command command, Func<ParseResult, CancellationToken, Task<int>> work) =>
        command.SetAction((result, cancellationToken) => Task.Run(() => work(result, cancellationToken), CancellationToken.None));
}
