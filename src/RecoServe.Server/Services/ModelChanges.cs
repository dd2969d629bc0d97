using System.Threading.Channels;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Registry;
using V1 = RecoServe.Contracts.V1;

namespace RecoServe.Server.Services;

/// <summary>The states of versions for one watcher: first as they are, then every change. What it has not read yet is bounded.</summary>
internal sealed class ModelChanges : IDisposable
{
    /// <summary>Changes that a watcher may be behind; with more it is told that it has missed some.</summary>
    internal const int MaxBehind = 4096;

    private readonly ModelWriter _writer;
    private readonly string _name;
    private readonly int _maxBehind;
    private readonly Channel<V1.WatchModelsResponse> _changes;
    private readonly Dictionary<ModelVersion, VersionState> _told = [];
    private readonly IDisposable _subscription;

    /// <param name="registry">Whose versions.</param>
    /// <param name="writer">Writes them.</param>
    /// <param name="name">Only this model; empty: all.</param>
    /// <param name="maxBehind">Changes that are kept for a slow watcher.</param>
    internal ModelChanges(ModelRegistry registry, ModelWriter writer, string name, int maxBehind = MaxBehind)
    {
        (_writer, _name, _maxBehind) = (writer, name, maxBehind);
        _changes = Channel.CreateBounded<V1.WatchModelsResponse>(maxBehind);
        _subscription = registry.Watch(Tell);
    }

    /// <exception cref="OverloadedException">The watcher was too slow.</exception>
    internal IAsyncEnumerable<V1.WatchModelsResponse> ReadAllAsync(CancellationToken cancellationToken) => _changes.Reader.ReadAllAsync(cancellationToken);

    public void Dispose() => _subscription.Dispose();

    /// <summary>Called by one thread at a time, whichever changes a version.</summary>
    private void Tell(ModelVersion version)
    {
        // The state may have been seen by the first look already, an instant before it was told.
        if ((_name.Length > 0 && version.Name != _name) || (_told.TryGetValue(version, out var told) && told == version.State))
            return;
        if (version.State is VersionState.Unloaded or VersionState.Failed)
            _told.Remove(version);
        else
            _told[version] = version.State;
        Write(version);
        // Of a number that serves that is the last word, also while one that it replaced ends, or one that should replace it has failed.
        if (version.State != VersionState.Serving && _told.FirstOrDefault(t => IsServing(t, version)).Key is { } serving)
            Write(serving);
    }

    private static bool IsServing(KeyValuePair<ModelVersion, VersionState> told, ModelVersion number) =>
        told.Value == VersionState.Serving && told.Key.Version == number.Version && told.Key.Name == number.Name;

    private void Write(ModelVersion version)
    {
        if (!_changes.Writer.TryWrite(new V1.WatchModelsResponse { Name = version.Name, Version = _writer.Write(version) }))
            _changes.Writer.TryComplete(new OverloadedException(version.Name, $"the watcher is more than {_maxBehind} changes behind", TimeSpan.FromSeconds(1)));
    }
}
