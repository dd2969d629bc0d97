namespace RecoServe.Trainer.Simulation;

/// <summary>The logging policy's settings; <see cref="LoggingPolicy"/> has the formula.</summary>
internal sealed record PolicyParameters
{
    /// <summary>Share ε of uniform exploration.</summary>
    public double Epsilon { get; init; } = 0.1;

    /// <summary>Temperature T of the softmax.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Weight of a video's fame in its popularity score.</summary>
    public double Popularity { get; init; } = 0.8;

    /// <summary>Standard deviation of the noise in the popularity score.</summary>
    public double PopularityNoise { get; init; } = 0.7;

    /// <summary>Weight of the share of the video's category among the last watches.</summary>
    public double CategoryMatch { get; init; } = 4;

    /// <summary>How many of the last watches count; a shorter history is divided by the same number.</summary>
    public int CategoryWindow { get; init; } = 10;

    /// <summary>Weight of a language that the viewer speaks.</summary>
    public double LanguageMatch { get; init; } = 2.5;

    /// <summary>Weight of freshness.</summary>
    public double Recency { get; init; } = 1.5;

    /// <summary>Slots of a slate on each <see cref="Device"/>.</summary>
    public int[] SlateSizes { get; init; } = [10, 5, 6, 8];
}
