using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace RecoServe.Engine.Registry;

/// <summary>
/// All versions by model, newest first. Readers see an immutable table that writers replace whole. Tells of every change of a
/// version's state, in order.
/// </summary>
internal sealed class VersionTable(ILogger log)
{
    /// <summary>Versions of a model that have ended and are still shown.</summary>
    private const int EndedKept = 32;

    private readonly Lock _lock = new();

    /// <summary>Of versions that are not shown any more.</summary>
    private readonly ConcurrentDictionary<(string Name, long Version), EndedVersion> _remembered = [];

    private volatile ImmutableSortedDictionary<string, ImmutableArray<ModelVersion>> _models =
        ImmutableSortedDictionary.Create<string, ImmutableArray<ModelVersion>>(StringComparer.Ordinal);

    /// <summary>Raised after a version changed its state, on the thread that changed it.</summary>
    internal event Action<ModelVersion>? Changed;

    internal ImmutableSortedDictionary<string, ImmutableArray<ModelVersion>> Models => _models;

    internal bool AnyServes => _models.Values.Any(versions => versions.Any(v => v.State == VersionState.Serving));

    internal ImmutableArray<ModelVersion> Of(string name) => _models.TryGetValue(name, out var versions) ? versions : [];

    /// <summary>The versions of a model that is there.</summary>
    /// <exception cref="ModelNotFoundException">It is not.</exception>
    internal ImmutableArray<ModelVersion> Require(string name)
    {
        if (_models.TryGetValue(name, out var versions))
            return versions;
        var known = string.Join(", ", _models.Keys);
        throw new ModelNotFoundException(name.Length > 0
            ? $"there is no model \"{name}\"; there is: {known}"
            : $"no default model is configured: name one of {known}");
    }

    /// <summary>The version of that number that serves; null if none does.</summary>
    internal ModelVersion? Serving(string name, long version) =>
        Of(name).FirstOrDefault(v => v.Version == version && v.State == VersionState.Serving);

    /// <summary>What became of a number last.</summary>
    internal ModelVersion? Latest(string name, long version) => Of(name).FirstOrDefault(v => v.Version == version);

    /// <summary>Why no look loads a version that has ended; null if one may.</summary>
    internal EndedVersion? Ended(string name, long version) =>
        Latest(name, version) is { } last ? EndedVersion.Of(last) : _remembered.GetValueOrDefault((name, version));

    /// <summary>Forgets what is remembered of versions that the repository has no more.</summary>
    internal void Trim(IReadOnlyList<RepositoryModel> models)
    {
        var there = models.SelectMany(m => m.Complete.Concat(m.Incomplete).Select(v => (m.Name, v))).ToHashSet();
        foreach (var key in _remembered.Keys.Where(k => !there.Contains(k)))
            _remembered.TryRemove(key, out _);
    }

    /// <summary>Puts a version into the table, in the place of ended ones of the same number, and before one that still serves.</summary>
    internal void Add(ModelVersion version)
    {
        lock (_lock)
        {
            var others = Of(version.Name).Where(v => v.Version != version.Version || !HasEnded(v)).ToList();
            foreach (var old in others.Where(HasEnded).Skip(EndedKept).ToArray())
                others.Remove(old);
            foreach (var gone in Of(version.Name).Except(others))
            {
                gone.Metrics.Dispose();
                if (gone.Version != version.Version && EndedVersion.Of(gone) is { } ended)
                    _remembered[(gone.Name, gone.Version)] = ended;
            }

            _remembered.TryRemove((version.Name, version.Version), out _);
            _models = _models.SetItem(version.Name, [.. others.Prepend(version).OrderByDescending(v => v.Version)]); // a stable sort
        }

        Tell(version);
    }

    /// <summary>Takes out a version that another one of the same number has replaced.</summary>
    internal void Forget(ModelVersion version)
    {
        lock (_lock)
        {
            version.Metrics.Dispose();
            _models = _models.SetItem(version.Name, Of(version.Name).Remove(version));
        }
    }

    internal void Tell(ModelVersion version)
    {
        lock (_lock)
        {
            EngineLog.VersionState(log, version.Metrics.Name, version.State.ToString());
            Changed?.Invoke(version);
        }
    }

    /// <summary>Tells of every version as it is now, and then of every change, until disposed.</summary>
    /// <param name="tell">Called on the thread that changes; must not block.</param>
    internal IDisposable Watch(Action<ModelVersion> tell)
    {
        lock (_lock)
        {
            foreach (var version in _models.Values.SelectMany(v => v))
                tell(version);
            Changed += tell;
        }

        return new Subscription(this, tell);
    }

    private static bool HasEnded(ModelVersion version) => version.State is VersionState.Unloaded or VersionState.Failed;

    private sealed class Subscription(VersionTable table, Action<ModelVersion> tell) : IDisposable
    {
        public void Dispose() => table.Changed -= tell;
    }
}
