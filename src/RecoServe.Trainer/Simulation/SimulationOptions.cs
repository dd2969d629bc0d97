namespace RecoServe.Trainer.Simulation;

/// <summary>What decides the content of a simulated log: equal options give equal logs.</summary>
internal sealed record SimulationOptions
{
    /// <summary>Seed of all chance.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Number of viewers, 1…1,000,000.</summary>
    public int Users { get; init; } = 20_000;

    /// <summary>Number of videos, 200…20,000.</summary>
    public int Videos { get; init; } = 3_200;

    /// <summary>Days of the log, 7…180.</summary>
    public int Days { get; init; } = 28;
}
