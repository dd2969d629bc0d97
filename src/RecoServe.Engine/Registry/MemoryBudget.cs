namespace RecoServe.Engine.Registry;

/// <summary>The memory that all versions together may take.</summary>
/// <param name="limit">Bytes; 0: no limit.</param>
internal sealed class MemoryBudget(long limit)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ModelVersion, long> _held = [];

    /// <summary>Bytes that are held.</summary>
    internal long Used
    {
        get
        {
            lock (_lock)
                return _held.Values.Sum();
        }
    }

    /// <summary>Whether so many bytes are left.</summary>
    internal bool Fits(long bytes) => limit == 0 || Used + bytes <= limit;

    /// <summary>Holds what a version is expected to take, until <see cref="Release"/>.</summary>
    /// <exception cref="ModelMemoryException">It does not fit.</exception>
    internal void Hold(ModelVersion version, long bytes)
    {
        lock (_lock)
        {
            var used = _held.Values.Sum();
            if (limit > 0 && used + bytes > limit)
                throw new ModelMemoryException(version.Metrics.Name, bytes, used, limit);
            _held[version] = bytes;
        }
    }

    /// <summary>Corrects what a version holds to what was measured, if that is more.</summary>
    internal void Correct(ModelVersion version, long bytes)
    {
        lock (_lock)
            _held[version] = Math.Max(bytes, _held.GetValueOrDefault(version));
    }

    internal void Release(ModelVersion version)
    {
        lock (_lock)
            _held.Remove(version);
    }
}
