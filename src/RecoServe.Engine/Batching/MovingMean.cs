namespace RecoServe.Engine.Batching;

/// <summary>A mean of times in which later ones count more.</summary>
/// <param name="weight">Of the latest, in (0, 1].</param>
internal struct MovingMean(double weight)
{
    private TimeSpan? _value;

    /// <summary>Whether there is one.</summary>
    internal readonly bool HasValue => _value is not null;

    /// <summary>The mean; zero if there is none.</summary>
    internal readonly TimeSpan Value => _value ?? TimeSpan.Zero;

    /// <summary>Takes a time.</summary>
    internal void Add(TimeSpan time) => _value = _value is { } mean ? mean + (weight * (time - mean)) : time;
}
