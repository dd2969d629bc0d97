using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>
/// One version of a model through its life, and the count of those who use it.
/// </summary>
/// <remarks>
/// The count starts at 1, the registry's own share. A lease is added by compare-and-swap from a value above zero, so that
/// zero is final: whoever brings it there may free the memory. (Reading the count, then incrementing it, would let a
/// version be freed between the two.)
/// </remarks>
public sealed class ModelVersion
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile VersionState _state = VersionState.Loading;
    private LoadedModel? _model;
    private long _leases = 1;

    internal ModelVersion(string name, long version, VersionMetrics metrics)
    {
        (Name, Version, Metrics) = (name, version, metrics);
        metrics.ObserveLeases(() => Math.Max(0, Leases - 1));
        metrics.ObserveState(() => (long)State);
    }

    /// <summary>The model's name.</summary>
    public string Name { get; }

    /// <summary>The version number.</summary>
    public long Version { get; }

    /// <summary>Where in its life the version is.</summary>
    public VersionState State => _state;

    /// <summary>Why it failed; null unless <see cref="State"/> is Failed.</summary>
    public string? Failure { get; private set; }

    /// <summary>What the package says; null until the files have been read.</summary>
    public ModelPackage? Package { get; private set; }

    internal VersionMetrics Metrics { get; }

    internal long Leases => Volatile.Read(ref _leases);

    /// <summary>Completes when the last lease has been given back.</summary>
    internal Task Drained => _drained.Task;

    internal LoadedModel Model => _model ?? throw new InvalidOperationException($"model {Metrics.Name} is not loaded");

    /// <summary>Takes a lease; false if the version has ended or is ending.</summary>
    internal bool TryAcquire([NotNullWhen(true)] out ModelLease? lease)
    {
        lease = null;
        if (_state != VersionState.Serving)
            return false;
        var count = Volatile.Read(ref _leases);
        while (count > 0)
        {
            var seen = Interlocked.CompareExchange(ref _leases, count + 1, count);
            if (seen == count)
            {
                lease = new ModelLease(this);
                return true;
            }

            count = seen;
        }

        return false;
    }

    internal void Release()
    {
        var left = Interlocked.Decrement(ref _leases);
        Debug.Assert(left >= 0, "A lease was given back twice.");
        if (left == 0)
            _drained.SetResult();
    }

    internal void Warm(LoadedModel model)
    {
        (_model, Package) = (model, model.Package);
        MoveTo(VersionState.Warming, VersionState.Loading);
    }

    internal void Serve() => MoveTo(VersionState.Serving, VersionState.Warming);

    internal void Fail(string reason)
    {
        (_model, Failure) = (null, reason);
        MoveTo(VersionState.Failed, VersionState.Loading, VersionState.Warming);
    }

    /// <summary>Gives back the registry's own share: the version ends when the last request is done.</summary>
    internal void Drain()
    {
        MoveTo(VersionState.Draining, VersionState.Serving);
        Release();
    }

    /// <summary>Frees the memory. Only after <see cref="Drained"/>.</summary>
    internal async Task UnloadAsync()
    {
        Debug.Assert(Leases == 0, "The memory of a version that is in use must not be freed.");
        await Model.DisposeAsync();
        _model = null;
        MoveTo(VersionState.Unloaded, VersionState.Draining);
    }

    private void MoveTo(VersionState next, params ReadOnlySpan<VersionState> from)
    {
        lock (_lock)
        {
            if (!from.Contains(_state))
                throw new InvalidOperationException($"model {Metrics.Name} cannot go from {_state} to {next}");
            _state = next;
        }
    }
}
