using RecoServe.Testing;

namespace RecoServe.LoadTest;

/// <summary>What is to be run. The defaults are those of <c>make load</c>.</summary>
internal sealed record LoadOptions
{
    /// <summary>The server's program.</summary>
    internal string Server { get; init; } = BuiltProgram.PathOf("Server", "recoserve");

    /// <summary>The bare gRPC server's program.</summary>
    internal string Echo { get; init; } = BuiltProgram.PathOf("GrpcEcho", "grpc-echo");

    /// <summary>The model repository.</summary>
    internal string Models { get; init; } = "models";

    /// <summary>The scenarios that were asked for; empty: all.</summary>
    internal IReadOnlyList<string> Scenarios { get; init; } = [];

    /// <summary>Load on a server before its first measurement.</summary>
    internal TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Length of one measurement.</summary>
    internal TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(2.5);

    /// <summary>Measurements of a figure, of which the median counts; each has its baseline beside it.</summary>
    internal int Rounds { get; init; } = 5;

    /// <summary>Callers of a closed loop.</summary>
    internal int Callers { get; init; } = 64;

    /// <summary>Connections.</summary>
    internal int Connections { get; init; } = 8;

    /// <summary>Swaps of the scenario swap.</summary>
    internal int Swaps { get; init; } = 200;

    /// <summary>From the start of one swap to that of the next.</summary>
    internal TimeSpan SwapEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Good versions of the scenario canary; of each kind of bad ones a tenth as many.</summary>
    internal int Trials { get; init; } = 100;

    /// <summary>Calls of the scenario memory.</summary>
    internal int Calls { get; init; } = 1_000_000;

    /// <summary>Items of the scenario batching.</summary>
    internal int ManyItems { get; init; } = 100_000;

    /// <summary>Items of the scenario catalogue.</summary>
    internal int MostItems { get; init; } = 1_000_000;

    /// <summary>Seed of arrivals and requests.</summary>
    internal int Seed { get; init; } = 1;

    /// <summary>Directory of the JSON files and the plot.</summary>
    internal string Results { get; init; } = Path.Combine("artifacts", "bench");

    /// <summary>A Markdown file to write, if any.</summary>
    internal string? Out { get; init; }

    /// <summary>Whether this is <see cref="InShort"/>.</summary>
    internal bool IsShort { get; private init; }

    /// <summary>The file name of the results: of the one scenario that was asked for, or of all; of a short run one of its own.</summary>
    internal string Name => (Scenarios.Count == 0 ? "serving" : string.Join('+', Scenarios)) + (IsShort ? "-short" : "");

    /// <summary>Everything once and as little of it as there can be: shows that the tool works, and measures nothing.</summary>
    internal LoadOptions InShort() => this with
    {
        IsShort = true,
        WarmUp = TimeSpan.FromSeconds(0.3),
        Duration = TimeSpan.FromSeconds(0.3),
        Rounds = 1,
        Callers = 8,
        Swaps = 2,
        SwapEvery = TimeSpan.FromSeconds(0.2),
        Trials = 1,
        Calls = 2000,
        ManyItems = 2000,
        MostItems = 5000,
    };
}
