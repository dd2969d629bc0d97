using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using RecoServe.Engine.Packages;
using RecoServe.LoadTest.Scenarios;

namespace RecoServe.LoadTest;

/// <summary>The command line.</summary>
internal static class LoadCommand
{
    private static readonly LoadOptions Default = new();

    private static readonly Option<string> Server = New("--server", "The recoserve program", Default.Server);
    private static readonly Option<string> Echo = New("--echo", "The grpc-echo program", Default.Echo);
    private static readonly Option<string> Models = New("--models", "Model repository with one model", Default.Models);
    private static readonly Option<string[]> Wanted = new("--scenario") { Description = "Which to run (all)", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
    private static readonly Option<double> Seconds = New("--seconds", "Length of one measurement", Default.Duration.TotalSeconds);
    private static readonly Option<double> WarmUp = New("--warm-up", "Seconds of load on a server before its first measurement", Default.WarmUp.TotalSeconds);
    private static readonly Option<int> Rounds = New("--rounds", "Measurements of a figure, of which the median counts", Default.Rounds);
    private static readonly Option<int> Callers = New("--callers", "Callers of a closed loop", Default.Callers);
    private static readonly Option<int> Connections = New("--connections", "Connections", Default.Connections);
    private static readonly Option<int> Swaps = New("--swaps", "Swaps of swap", Default.Swaps);
    private static readonly Option<int> Trials = New("--trials", "Good versions of canary", Default.Trials);
    private static readonly Option<int> Calls = New("--calls", "Calls of memory", Default.Calls);
    private static readonly Option<int> Seed = New("--seed", "Seed of arrivals and requests", Default.Seed);
    private static readonly Option<bool> Short = new("--short") { Description = "Everything once and as little as can be, to see that it works; other numbers are ignored" };
    private static readonly Option<string> Results = New("--results", "Directory of the JSON files and the plot", Default.Results);
    private static readonly Option<string?> File = new("--out") { Description = "Write the tables as Markdown" };

    /// <summary>The command; <paramref name="run"/> does the work and gives the exit code.</summary>
    internal static RootCommand New(Func<LoadOptions, Task<int>> run)
    {
        Wanted.AcceptOnlyFromAmong([.. Scenario.All.Select(s => s.Name)]);
        foreach (var program in new[] { Server, Echo })
            program.Validators.Add(result => RequireProgram(program.Name, result));
        Option[] positive = [Seconds, WarmUp, Rounds, Callers, Connections, Swaps, Trials, Calls];
        foreach (var option in positive)
            option.Validators.Add(result => RequirePositive(option.Name, result));
        var command = new RootCommand($"Starts servers, loads them and reports what they hold.\n\nScenarios:\n{string.Join('\n', Scenario.All.Select(s => $"  {s.Name,-13}{s.What}"))}");
        foreach (var option in new Option[] { Server, Echo, Models, Wanted, Seconds, WarmUp, Rounds, Callers, Connections, Swaps, Trials, Calls, Seed, Short, Results, File })
            command.Options.Add(option);
        command.SetAction((parsed, _) => RunAsync(run, parsed));
        return command;
    }

    private static async Task<int> RunAsync(Func<LoadOptions, Task<int>> run, ParseResult parsed)
    {
        try
        {
            var options = Read(parsed);
            Prepare(options);
            return await run(options);
        }
        catch (Exception e) when (e is PackageException or UnreachableOutputException)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync(e.Message);
            return 2;
        }
    }

    /// <summary>A report that cannot be written is found before the run, and not after it.</summary>
    private static void Prepare(LoadOptions options)
    {
        Try("--results", options.Results, path => Directory.CreateDirectory(path));
        if (options.Out is { } file)
            Try("--out", file, path => System.IO.File.Open(path, FileMode.OpenOrCreate, FileAccess.Write).Dispose());

        static void Try(string option, string path, Action<string> open)
        {
            try
            {
                open(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new UnreachableOutputException($"{option} {path} cannot be written: {e.Message}", e);
            }
        }
    }

    private static LoadOptions Read(ParseResult parsed)
    {
        var options = new LoadOptions
        {
            Server = parsed.GetRequiredValue(Server),
            Echo = parsed.GetRequiredValue(Echo),
            Models = parsed.GetRequiredValue(Models),
            Scenarios = [.. parsed.GetRequiredValue(Wanted).Distinct()],
            WarmUp = TimeSpan.FromSeconds(parsed.GetRequiredValue(WarmUp)),
            Duration = TimeSpan.FromSeconds(parsed.GetRequiredValue(Seconds)),
            Rounds = parsed.GetRequiredValue(Rounds),
            Callers = parsed.GetRequiredValue(Callers),
            Connections = parsed.GetRequiredValue(Connections),
            Swaps = parsed.GetRequiredValue(Swaps),
            Trials = parsed.GetRequiredValue(Trials),
            Calls = parsed.GetRequiredValue(Calls),
            Seed = parsed.GetRequiredValue(Seed),
            Results = parsed.GetRequiredValue(Results),
            Out = parsed.GetValue(File),
        };
        return parsed.GetValue(Short) ? options.InShort() : options;
    }

    private static Option<T> New<T>(string name, string description, T value) => new(name) { Description = description, DefaultValueFactory = _ => value };

    private static void RequirePositive(string name, OptionResult result)
    {
        // Conversion failures have their own message.
        if (result.Tokens is [var token] && double.TryParse(token.Value, CultureInfo.InvariantCulture, out var value) && !(value > 0))
            result.AddError($"{name} must be above 0, not {token.Value}");
    }

    private sealed class UnreachableOutputException(string message, Exception inner) : Exception(message, inner);

    /// <summary>Refuses a program that is not there.</summary>
    internal static void RequireProgram(string name, OptionResult result)
    {
        if (result.GetValueOrDefault<string>() is { } path && !System.IO.File.Exists(path))
            result.AddError($"{name} must be a program, and there is no {path}: dotnet build builds it");
    }
}
