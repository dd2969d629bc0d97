namespace RecoServe.Server.Tuning;

/// <summary>What is to be tuned, and for what.</summary>
/// <param name="Program">The server's program and what comes before its switches.</param>
/// <param name="Models">The model repository.</param>
/// <param name="Goal">The highest p99 that holds.</param>
internal sealed record TuneOptions(IReadOnlyList<string> Program, string Models, TimeSpan Goal)
{
    /// <summary>The model that is asked; empty: the only one.</summary>
    internal string Model { get; init; } = "";

    /// <summary>Length of one measurement.</summary>
    internal TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>Load on a server before its first measurement: its JIT improves its code, and the first seconds are several times slower.</summary>
    internal TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>A measurement at a low rate takes longer than <see cref="Duration"/>, until it has so many calls.</summary>
    internal int LeastCalls { get; init; } = 1000;

    /// <summary>Whether every candidate is measured to its end, and the winner compared with the best of them.</summary>
    internal bool Sweep { get; init; }

    /// <summary>Switches that every server gets.</summary>
    internal IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Seed of requests and arrivals.</summary>
    internal int Seed { get; init; } = 1;
}
