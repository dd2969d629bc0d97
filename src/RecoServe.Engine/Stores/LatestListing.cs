namespace RecoServe.Engine.Stores;

/// <summary>What is known of a bucket. Looks overlap, at all of it and at one version: none overwrites what one that began later has found. Thread-safe.</summary>
internal sealed class LatestListing
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Name, long Version), (long Look, BucketVersion? Found)> _single = [];
    private volatile BucketListing? _listing;
    private long _looks;
    private long _whole;

    /// <summary>Null before anything was found.</summary>
    internal BucketListing? Current => _listing;

    /// <summary>A look begins.</summary>
    /// <returns>Its number: of two the higher began later.</returns>
    internal long Begin() => Interlocked.Increment(ref _looks);

    /// <summary>A look at all of the bucket has ended.</summary>
    internal void Take(long look, BucketListing found)
    {
        lock (_lock)
        {
            if (look < _whole)
                return;
            _whole = look;
            foreach (var ((name, version), single) in _single.ToArray())
            {
                if (single.Look > look)
                    found = found.With(name, version, single.Found);
                else
                    _single.Remove((name, version));
            }

            _listing = found;
        }
    }

    /// <summary>A look at one version has ended.</summary>
    /// <param name="look">Its number.</param>
    /// <param name="name">The model.</param>
    /// <param name="version">The version.</param>
    /// <param name="found">Null: nothing.</param>
    internal void Take(long look, string name, long version, BucketVersion? found)
    {
        lock (_lock)
        {
            if (look < _whole || (_single.TryGetValue((name, version), out var other) && look < other.Look))
                return;
            _single[(name, version)] = (look, found);
            _listing = (_listing ?? new BucketListing([])).With(name, version, found);
        }
    }
}
