using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Configuration;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Commands;

/// <summary>Runs a command line. A failure is one line on the error stream, never a stack trace.</summary>
internal static class CommandRunner
{
    /// <summary>The exit code for anything unforeseen.</summary>
    public const int Failed = 1;

    /// <summary>The exit code for a wrong command line, data or model package.</summary>
    public const int BadInput = 2;

    /// <summary>The exit code for a loss or a score that is not finite.</summary>
    public const int NotFinite = 3;

    /// <summary>The exit code after Ctrl+C, as shells count it.</summary>
    public const int Cancelled = 130;

    /// <summary>A training run finishes its batch or validation and writes a checkpoint.</summary>
    private static readonly TimeSpan FinishAfterCtrlC = TimeSpan.FromMinutes(2);

    /// <summary>Parses, runs the command named, and gives the process's exit code.</summary>
    /// <param name="root">All commands.</param>
    /// <param name="args">The process's arguments.</param>
    /// <param name="output">Results; without it, standard output.</param>
    /// <param name="error">Errors and progress; without it, standard error.</param>
    public static Task<int> RunAsync(RootCommand root, string[] args, TextWriter? output = null, TextWriter? error = null) =>
        RunAsync(root, args, output ?? Console.Out, error ?? Console.Error, FinishAfterCtrlC, CancellationToken.None);

    /// <summary>Runs a command within another, whose results nobody sees. Ctrl+C is the other's business, and comes as <paramref name="stop"/>.</summary>
    public static Task<int> RunWithinAsync(RootCommand root, string[] args, TextWriter error, CancellationToken stop) =>
        RunAsync(root, args, TextWriter.Null, error, finishAfterCtrlC: null, stop);

    private static async Task<int> RunAsync(
        RootCommand root, string[] args, TextWriter output, TextWriter error, TimeSpan? finishAfterCtrlC, CancellationToken stop)
    {
        ParseResult result;
        try
        {
            result = root.Parse(args);
            result = root.Parse(ConfigFile.Expand(result, args));
        }
        catch (DataException e)
        {
            return Fail(error, e.Message, BadInput);
        }

        if (result.Errors is [var first, ..] && result.Action is not System.CommandLine.Help.HelpAction)
            return Fail(error, result.CommandResult.Command == root ? WithoutCommand(root, result) : MessageOf(first), BadInput);
        try
        {
            var streams = new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = finishAfterCtrlC };
            return await result.InvokeAsync(streams, stop);
        }
        catch (Exception e) when (e is DataException or PackageException)
        {
            return Fail(error, e.Message, BadInput);
        }
        catch (NotFiniteNumberException e)
        {
            return Fail(error, e.Message, NotFinite);
        }
        catch (OperationCanceledException)
        {
            return Fail(error, "cancelled", Cancelled);
        }
#pragma warning disable CA1031 // The user of a command line gets one line and an exit code, whatever happened.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return Fail(error, e.Message, Failed);
        }
    }

    private static string MessageOf(ParseError error)
    {
        if (error.SymbolResult is not OptionResult { Tokens: [{ Value: var value }], Option: { Name: var name, ValueType: var type } })
            return error.Message;
        return type == typeof(double) && !double.TryParse(value, CultureInfo.InvariantCulture, out _) ? $"{name}: \"{value}\" is not a number"
            : (type == typeof(int) || type == typeof(long?)) && !long.TryParse(value, CultureInfo.InvariantCulture, out _) ? $"{name}: \"{value}\" is not a whole number"
            : error.Message;
    }

    private static string WithoutCommand(RootCommand root, ParseResult result)
    {
        var problem = result.UnmatchedTokens is [var word, ..] ? $"there is no command {word}" : "no command is given";
        return $"{problem}; the commands are {string.Join(", ", root.Subcommands.Select(c => c.Name))} (--help explains them)";
    }

    private static int Fail(TextWriter error, string message, int code)
    {
        var lines = message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        error.WriteLine($"recotrain: {string.Join(' ', lines)}");
        return code;
    }
}
