using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;

namespace RecoServe.Engine.Traffic;

/// <summary>
/// Sees what becomes of requests: copies a share of them for the shadow, and rolls a canary back that does badly. Never in the way
/// of an answer.
/// </summary>
public sealed class TrafficWatch : IAsyncDisposable
{
    private readonly ModelRegistry _registry;
    private readonly RollbackOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<TrafficWatch> _log;
    private readonly ShadowRunner _shadows;
    private readonly StickyShare _share = new();
    private readonly ConcurrentDictionary<(string Model, long Canary, long? Stable), CanaryGuard> _guards = [];
    private readonly Lock _lock = new();

    /// <summary>The rollbacks that have begun, one after the other.</summary>
    private Task _rollingBack = Task.CompletedTask;

    /// <summary>Watches the requests that the recommender tells of.</summary>
    public TrafficWatch(ModelRegistry registry, RollbackOptions options, TimeProvider clock, ILogger<TrafficWatch> log)
    {
        (_registry, _options, _clock, _log) = (registry, options, clock, log);
        _shadows = new ShadowRunner(log);
    }

    /// <summary>How the answers of a version compare with those of the version that answers; null if they never were compared.</summary>
    public ShadowSummary? ShadowOf(ModelVersion version) => _shadows.Summarise(version);

    /// <summary>Ends comparing; a rollback that has begun comes to its end.</summary>
    public async ValueTask DisposeAsync()
    {
        await _shadows.DisposeAsync();
        Task rollingBack;
        lock (_lock)
            rollingBack = _rollingBack;
        await rollingBack;
    }

    /// <summary>A slate was drawn.</summary>
    /// <param name="lease">Whose.</param>
    /// <param name="request">What was asked.</param>
    /// <param name="elapsed">What it took.</param>
    /// <param name="row">Of that, what its batch took.</param>
    internal void Answered(ModelLease lease, SlateRequest request, TimeSpan elapsed, in RowTimings row)
    {
        var traffic = _registry.Traffic.Of(lease.Version.Name);
        if (traffic.ShadowVersion is { } shadow && shadow != lease.Version.Version && _share.Includes(traffic.ShadowPercent, "", ""))
            Copy(request, lease.Version, _registry.TryFindServing(lease.Version.Name, shadow), null);
        if (GuardOf(lease, request.Model, traffic) is not { } guard)
            return;
        var isCanary = lease.Version.Version == traffic.HolderOf(Labels.Canary);
        using var other = isCanary ? _registry.TryAcquire(lease.Version.Name) : null;
        Act(lease.Version, guard.Record(isCanary, OutcomeKind.Answered, elapsed, RunRatio(row, lease, other)));
        if (other is not null && other.Version != lease.Version && _share.Includes(_options.ComparePercent, "", ""))
            Copy(request, other.Version, lease.Version, comparison => Act(lease.Version, guard.Compare(comparison)));
    }

    /// <summary>Something else than a slate was computed: it is not compared with another version's.</summary>
    /// <param name="lease">Who computed it.</param>
    /// <param name="asked">What the caller named.</param>
    /// <param name="elapsed">What it took.</param>
    /// <param name="row">Of that, what its batch took; of several the slowest.</param>
    /// <param name="inputs">Tensors, if it was tensors: who asks with NaN gets it.</param>
    /// <param name="outputs">What became of them.</param>
    internal void Computed(ModelLease lease, in ModelSelector asked, TimeSpan elapsed, in RowTimings row, IReadOnlyList<TensorData> inputs, IReadOnlyList<TensorData> outputs)
    {
        var traffic = _registry.Traffic.Of(lease.Version.Name);
        if (GuardOf(lease, asked, traffic) is not { } guard)
            return;
        var kind = outputs.Any(static o => o.HasNaN) && !inputs.Any(static i => i.HasNaN) ? OutcomeKind.Invalid : OutcomeKind.Answered;
        var isCanary = lease.Version.Version == traffic.HolderOf(Labels.Canary);
        using var other = isCanary ? _registry.TryAcquire(lease.Version.Name) : null;
        Act(lease.Version, guard.Record(isCanary, kind, elapsed, RunRatio(row, lease, other)));
    }

    /// <summary>A request was not answered, or not by the model.</summary>
    /// <param name="lease">Who was asked.</param>
    /// <param name="asked">What the caller named.</param>
    /// <param name="exception">Why.</param>
    /// <param name="isLate">Whether its deadline has passed.</param>
    internal void Failed(ModelLease lease, in ModelSelector asked, Exception exception, bool isLate)
    {
        var traffic = _registry.Traffic.Of(lease.Version.Name);
        if (Outcome.Of(exception, isLate) is { } blame && GuardOf(lease, asked, traffic) is { } guard)
            Act(lease.Version, guard.Record(lease.Version.Version == traffic.HolderOf(Labels.Canary), blame, TimeSpan.Zero));
    }

    /// <summary>Who judges by this request; null if nobody. A canary's requests are like the others' only where the share chose them: who names a version may ask as nobody else does.</summary>
    private CanaryGuard? GuardOf(ModelLease lease, in ModelSelector asked, ModelTraffic traffic)
    {
        if (!_options.Enabled || !asked.IsOpen || traffic.HolderOf(Labels.Canary) is not { } canary)
            return null;
        var stable = traffic.HolderOf(Labels.Stable);
        if (canary == stable || (lease.Version.Version != canary && stable is { } number && lease.Version.Version != number))
            return null;
        var key = (lease.Version.Name, canary, stable);
        return _guards.TryGetValue(key, out var guard) ? guard : NewGuard(key);
    }

    /// <summary>Labels have moved: what was seen before is of other versions.</summary>
    private CanaryGuard NewGuard((string Model, long Canary, long? Stable) key)
    {
        foreach (var old in _guards.Keys.Where(k => k.Model == key.Model && k != key))
            _guards.TryRemove(old, out _);
        return _guards.GetOrAdd(key, static (_, watch) => new CanaryGuard(watch._options, watch._clock), this);
    }

    /// <summary>
    /// What a batch took, in units of what one of its shape takes the version that answers the others: on one machine all versions wait for the same processors,
    /// and a slow one makes all of them slow. NaN if that is not known; 1 at most if the difference is within the slack.
    /// </summary>
    private double RunRatio(in RowTimings row, ModelLease lease, ModelLease? other)
    {
        var usual = (other ?? lease).Loaded.Cost.Of(row.Places, row.Length);
        if (usual <= TimeSpan.Zero || row.Batch <= TimeSpan.Zero)
            return double.NaN;
        return row.Batch - usual > _options.LatencySlack ? row.Batch / usual : Math.Min(1, row.Batch / usual);
    }

    private void Copy(SlateRequest request, ModelVersion reference, ModelVersion? compared, Action<SlateComparison>? done)
    {
        if (compared is not null)
            _shadows.Offer(new ShadowCopy(request, reference, compared, done));
    }

    /// <summary>Rolls back, on a thread that no answer waits for.</summary>
    private void Act(ModelVersion canary, Verdict? verdict)
    {
        if (verdict is null)
            return;
        lock (_lock)
            _rollingBack = RollBackAsync(_rollingBack, canary, verdict);
    }

    private async Task RollBackAsync(Task before, ModelVersion canary, Verdict verdict)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            if (!_registry.Traffic.RollBackCanary(canary.Name, canary.Version, verdict.Reason))
                return;
            canary.Metrics.RolledBack(verdict.Kind);
            foreach (var key in _guards.Keys.Where(k => k.Model == canary.Name))
                _guards.TryRemove(key, out _);
        }
        catch (Exception e)
        {
            // The guard has begun anew: what stays bad is judged again.
            EngineLog.RollBackFailed(_log, canary.Metrics.Name, verdict.Reason, e);
        }
    }
}
