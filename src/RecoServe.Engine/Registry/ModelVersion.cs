using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using RecoServe.Engine.Inference;
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
    private LoadedVersion? _model;
    private long _leases = 1;

    /// <param name="name">The model's name.</param>
    /// <param name="version">The version number.</param>
    /// <param name="metrics">Disposed by the registry.</param>
    /// <param name="files">The fingerprint of its files when it was found.</param>
    /// <param name="replaces">Whether one of its number serves, whose gauges are shown until this one does.</param>
    internal ModelVersion(string name, long version, VersionMetrics metrics, string files, bool replaces = false)
    {
        (Name, Version, Metrics, Files) = (name, version, metrics, files);
        if (!replaces)
            ShowGauges();
    }

    /// <summary>The model's name.</summary>
    public string Name { get; }

    /// <summary>The version number.</summary>
    public long Version { get; }

    /// <summary>Where in its life the version is.</summary>
    public VersionState State => _state;

    /// <summary>Why it failed; null unless <see cref="State"/> is Failed.</summary>
    public string? Failure { get; private set; }

    /// <summary>What the package says; null until the files have been read, once the version has ended (a catalogue is large), and for a plain graph.</summary>
    public ModelPackage? Package { get; private set; }

    /// <summary>What it reads and computes; null until the files have been read.</summary>
    public GraphSignature? Signature { get; private set; }

    /// <summary>What it holds, in words; empty until the files have been read.</summary>
    public string Summary { get; private set; } = "";

    /// <summary>What it has computed since it was loaded.</summary>
    public VersionStatistics Statistics => Metrics.Statistics;

    /// <summary>What it was expected to take of memory at most, in bytes; 0 until the manifest has been read.</summary>
    public long EstimatedBytes { get; private set; }

    /// <summary>
    /// Native memory in bytes that was in use after it was loaded and warmed up, and not before; what others took meanwhile
    /// counts too. Null until then, and where it cannot be measured.
    /// </summary>
    public long? NativeBytes { get; private set; }

    internal VersionMetrics Metrics { get; }

    /// <summary>The fingerprint of its files when it was found, or when they were last seen to be the same: one that failed is tried again only when they are others.</summary>
    internal string Files { get; set; }

    /// <summary>What the package is; empty until the manifest has been read.</summary>
    internal string Content { get; private set; } = "";

    /// <summary>Whether it failed because it would not fit, and not for its files.</summary>
    internal bool WasRefused { get; private set; }

    /// <summary>Whether it was loaded on demand, so that no policy may unload it.</summary>
    internal bool KeptByHand { get; private set; }

    /// <summary>Whether it was unloaded on demand, so that no policy may load it.</summary>
    internal bool EndedByHand { get; set; }

    internal long Leases => Volatile.Read(ref _leases);

    /// <summary>Completes when the last lease has been given back.</summary>
    internal Task Drained => _drained.Task;

    /// <summary>What serves, if it does. Without a lease it may end at any moment: only for what needs no native memory.</summary>
    internal LoadedVersion? ServingModel => _state == VersionState.Serving ? _model : null;

    internal LoadedVersion Model => _model ?? throw new InvalidOperationException($"model {Metrics.Name} is not loaded");

    /// <summary>Takes a lease; false if the version has ended or is ending.</summary>
    internal bool TryAcquire([NotNullWhen(true)] out ModelLease? lease) => TryAcquire("", out lease);

    /// <param name="label">The label by which the version was chosen; empty if by none.</param>
    /// <param name="lease">The lease.</param>
    /// <inheritdoc cref="TryAcquire(out ModelLease?)"/>
    internal bool TryAcquire(string label, [NotNullWhen(true)] out ModelLease? lease)
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
                lease = new ModelLease(this, label);
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

    /// <summary>It was loaded on demand.</summary>
    internal ModelVersion Keep()
    {
        KeptByHand = true;
        return this;
    }

    /// <summary>What it was loaded for on demand is done.</summary>
    internal void LetGo() => KeptByHand = false;

    /// <summary>The manifest has been read.</summary>
    internal void Expect(string content, long bytes) => (Content, EstimatedBytes) = (content, bytes);

    /// <summary>Its memory has been measured.</summary>
    internal void Measure(long? bytes) => NativeBytes = bytes is { } measured ? Math.Max(0, measured) : null;

    internal void Warm(LoadedVersion model)
    {
        (_model, Package, Signature, Summary) = (model, (model as LoadedModel)?.Package, model.Signature, model.Summary);
        MoveTo(VersionState.Warming, VersionState.Loading);
    }

    internal void Serve()
    {
        MoveTo(VersionState.Serving, VersionState.Warming);
        ShowGauges();
    }

    internal void Fail(string reason, bool refused)
    {
        (_model, Package, Failure, WasRefused) = (null, null, reason, refused);
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
        (_model, Package) = (null, null);
        MoveTo(VersionState.Unloaded, VersionState.Draining);
    }

    private void ShowGauges()
    {
        Metrics.ObserveLeases(() => Math.Max(0, Leases - 1));
        Metrics.ObserveState(() => (long)State);
        Metrics.ObserveMemory(() => State is VersionState.Unloaded or VersionState.Failed ? 0 : NativeBytes ?? EstimatedBytes);
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
