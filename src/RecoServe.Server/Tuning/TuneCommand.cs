using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using RecoServe.Engine.Packages;

namespace RecoServe.Server.Tuning;

/// <summary><c>recoserve tune</c>: which settings hold the highest rate within a latency goal, on this machine and for this model.</summary>
internal static class TuneCommand
{
    internal const string Name = "tune";

    private static readonly Option<string> Models = new("--models") { Description = "Model repository", DefaultValueFactory = _ => "models" };
    private static readonly Option<string> Model = new("--model") { Description = "The model that is asked; needed where the repository holds several", DefaultValueFactory = _ => "" };
    private static readonly Option<double> Goal = new("--p99-ms") { Description = "The highest p99 that is good enough, in milliseconds: 0.1 to 1000", DefaultValueFactory = _ => 10 };
    private static readonly Option<double> Seconds = new("--seconds") { Description = "Length of one measurement: 0.1 to 60", DefaultValueFactory = _ => 1.5 };
    private static readonly Option<bool> Sweep = new("--sweep") { Description = "Measure every setting to its end as well, and compare" };
    private static readonly Option<int> Seed = new("--seed") { Description = "Seed of requests and arrivals", DefaultValueFactory = _ => 1 };

    /// <summary>What every server gets from the tuning itself.</summary>
    private static readonly string[] OwnKeys = ["Registry:Repository", "Server:Host", "Server:Port", "Server:HttpPort"];

    static TuneCommand()
    {
        Goal.Validators.Add(result => RequireRange(result, 0.1, 1000));
        Seconds.Validators.Add(result => RequireRange(result, 0.1, 60));
    }

    /// <summary>Runs the command line that follows <c>tune</c>.</summary>
    /// <returns>The exit code: 0, 1 if no setting holds the goal or a server cannot be started, 2 for a wrong command line or repository.</returns>
    internal static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        var command = new Command(Name, "Finds batch size, delay, threads and instances for a latency goal: starts servers on free ports and loads them. What follows -- every server gets: -- --Batcher:QueueCapacity 4096")
        {
            Models, Model, Goal, Seconds, Sweep, Seed,
        };
        string[] own = [.. args.TakeWhile(a => a != "--")], settings = [.. args.Skip(own.Length + 1)];
        command.SetAction((parsed, _) => RunAsync(parsed, settings, output));
        var result = new RootCommand { command }.Parse([Name, .. own]);
        if (result.Errors is [var first, ..] && result.Action is not System.CommandLine.Help.HelpAction)
            return Fail(error, first.Message, 2);
        try
        {
            if (CommandLine.Parse(settings).Keys.FirstOrDefault(k => OwnKeys.Contains(k, StringComparer.OrdinalIgnoreCase)) is { } key)
                return Fail(error, $"{CommandLine.NameOf(key)} cannot follow --: the servers' ports are free ones, their models those of --models", 2);
            return await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (Exception e) when (e is PackageException or ArgumentException)
        {
            return Fail(error, e.Message, 2);
        }
        catch (InvalidOperationException e)
        {
            return Fail(error, e.Message, 1); // a server that ended, in its own words
        }
    }

    private static async Task<int> RunAsync(ParseResult parsed, string[] settings, TextWriter output)
    {
        var options = new TuneOptions(OwnProgram(), parsed.GetRequiredValue(Models), TimeSpan.FromMilliseconds(parsed.GetRequiredValue(Goal)))
        {
            Model = parsed.GetRequiredValue(Model),
            Duration = TimeSpan.FromSeconds(parsed.GetRequiredValue(Seconds)),
            Sweep = parsed.GetValue(Sweep),
            Seed = parsed.GetRequiredValue(Seed),
            Settings = settings,
        };
        return await TuneRun.RunAsync(options, Candidate.Grid(Environment.ProcessorCount, options.Goal), output, TimeProvider.System) ? 0 : 1;
    }

    /// <summary>This program, started as this process was: on its own, or as a file that dotnet runs.</summary>
    private static string[] OwnProgram()
    {
        var assembly = typeof(TuneCommand).Assembly.Location;
        var program = Path.ChangeExtension(assembly, OperatingSystem.IsWindows() ? ".exe" : null);
        return File.Exists(program) ? [program] : ["dotnet", assembly];
    }

    private static void RequireRange(OptionResult result, double from, double to)
    {
        if (result.Tokens is [var token] && !(double.TryParse(token.Value, CultureInfo.InvariantCulture, out var value) && value >= from && value <= to))
            result.AddError($"{result.Option.Name} must be a number from {from} to {to}, not {token.Value}");
    }

    private static int Fail(TextWriter error, string message, int code)
    {
        error.WriteLine($"recoserve: {message}");
        return code;
    }
}
