using System.CommandLine;
using System.Globalization;

namespace RecoServe.LoadTest;

/// <summary>What is to be run. The defaults take less than a minute.</summary>
internal sealed record LoadOptions
{
    /// <summary>The server's program.</summary>
    internal required string Server { get; init; }

    /// <summary>The model repository.</summary>
    internal required string Models { get; init; }

    /// <summary>Size of the catalogue of a made model; null: the repository's default model.</summary>
    internal int? Items { get; init; }

    /// <summary>The scenarios, in the order run.</summary>
    internal required IReadOnlyList<string> Scenarios { get; init; }

    /// <summary>Calls a second of the scenario steady; null: half of the peak that saturate finds.</summary>
    internal double? Rate { get; init; }

    /// <summary>Load before the first measurement.</summary>
    internal TimeSpan WarmUp { get; init; }

    /// <summary>Length of each scenario.</summary>
    internal TimeSpan Duration { get; init; }

    /// <summary>Callers of the scenario saturate.</summary>
    internal int Callers { get; init; }

    /// <summary>Connections.</summary>
    internal int Connections { get; init; }

    /// <summary>Seed of arrivals and requests.</summary>
    internal int Seed { get; init; }

    /// <summary>A Markdown file to write, if any.</summary>
    internal string? Out { get; init; }

    /// <summary>The command line; <paramref name="run"/> does the work and gives the exit code.</summary>
    internal static RootCommand Command(Func<LoadOptions, Task<int>> run)
    {
        var server = new Option<string>("--server") { Description = "The recoserve program", DefaultValueFactory = _ => "artifacts/bin/RecoServe.Server/release/recoserve" };
        var models = new Option<string>("--models") { Description = "Model repository", DefaultValueFactory = _ => "models" };
        var items = new Option<int?>("--items") { Description = "Serve a made model with so many items instead" };
        var scenarios = new Option<string[]>("--scenario") { Description = "Which to run", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => LoadScenarios.All };
        var rate = new Option<double?>("--rate") { Description = "Calls a second of steady (half the peak)" };
        var seconds = new Option<double>("--seconds") { Description = "Length of each scenario", DefaultValueFactory = _ => 8 };
        var warmUp = new Option<double>("--warm-up") { Description = "Seconds of load before the first measurement", DefaultValueFactory = _ => 20 };
        var callers = new Option<int>("--callers") { Description = "Callers of saturate", DefaultValueFactory = _ => 64 };
        var connections = new Option<int>("--connections") { Description = "Connections", DefaultValueFactory = _ => 4 };
        var seed = new Option<int>("--seed") { Description = "Seed of arrivals and requests", DefaultValueFactory = _ => 1 };
        var file = new Option<string?>("--out") { Description = "Write the table as Markdown" };
        scenarios.AcceptOnlyFromAmong(LoadScenarios.All);
        RequirePositive(callers);
        RequirePositive(connections);
        RequirePositive(items);
        RequirePositive(rate);
        RequirePositive(seconds);
        RequirePositive(warmUp);

        var command = new RootCommand("Starts a server, loads it and reports throughput and latency") { server, models, items, scenarios, rate, seconds, warmUp, callers, connections, seed, file };
        command.SetAction((parsed, _) => run(new LoadOptions
        {
            Server = parsed.GetRequiredValue(server),
            Models = parsed.GetRequiredValue(models),
            Items = parsed.GetValue(items),
            Scenarios = parsed.GetRequiredValue(scenarios),
            Rate = parsed.GetValue(rate),
            WarmUp = TimeSpan.FromSeconds(parsed.GetRequiredValue(warmUp)),
            Duration = TimeSpan.FromSeconds(parsed.GetRequiredValue(seconds)),
            Callers = parsed.GetRequiredValue(callers),
            Connections = parsed.GetRequiredValue(connections),
            Seed = parsed.GetRequiredValue(seed),
            Out = parsed.GetValue(file),
        }));
        return command;
    }

    private static void RequirePositive<T>(Option<T> option) => option.Validators.Add(result =>
    {
        // Conversion failures have their own message.
        if (result.Tokens is [var token] && double.TryParse(token.Value, CultureInfo.InvariantCulture, out var value) && !(value > 0))
            result.AddError($"{option.Name} must be above 0, not {token.Value}");
    });
}
