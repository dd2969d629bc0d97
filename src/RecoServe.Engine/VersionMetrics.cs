using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Traffic;

namespace RecoServe.Engine;

/// <summary>The engine's instruments as seen by one model version: every measurement carries its tags.</summary>
internal sealed class VersionMetrics : IDisposable
{
    private readonly EngineMetrics _metrics;
    private readonly string _model;
    private readonly long _version;
    private readonly TagList _tags;
    private int _disposed;

    internal VersionMetrics(EngineMetrics metrics, string model, long version, TimeProvider clock)
    {
        (_metrics, _model, _version, Statistics) = (metrics, model, version, new VersionStatistics(clock));
        Name = string.Create(CultureInfo.InvariantCulture, $"{model}/{version}");
        _tags = [new("model", model), new("version", version.ToString(CultureInfo.InvariantCulture))];
        // A rate needs the zero before the first event.
        _metrics.InvalidLogits.Add(0, _tags);
        foreach (var reason in Enum.GetValues<ShedReason>())
            AddShed(reason, 0);
        foreach (var reason in Enum.GetValues<CloseReason>())
            AddClosed(reason, 0);
        foreach (var degraded in Enum.GetValues<Degradation>().Where(d => d != Degradation.None))
            AddDegraded(degraded, 0);
        foreach (var reason in Enum.GetValues<VerdictKind>())
            AddRolledBack(reason, 0);
    }

    /// <summary><c>name/number</c>.</summary>
    internal string Name { get; }

    /// <summary>The sums that are asked for by call, of the same events.</summary>
    internal VersionStatistics Statistics { get; }

    /// <summary>The version's gauges are no longer shown; nor, if no other of its number is kept, what it has measured.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
            return;
        ForgetQueue();
        _metrics.Leases.Remove(this);
        _metrics.State.Remove(this);
        _metrics.Memory.Remove(this);
        _metrics.Forget(_model, _version);
    }

    internal void Queue(TimeSpan waited)
    {
        _metrics.QueueWait.Record(waited.TotalSeconds, _tags);
        Statistics.Queue.Add(waited);
    }

    internal void Batch(int rows, double padding, CloseReason closed, in BatchRun run)
    {
        _metrics.BatchSize.Record(rows, _tags);
        _metrics.Padding.Record(padding, _tags);
        _metrics.EncodeTime.Record(run.Encode.TotalSeconds, _tags);
        _metrics.ScoreTime.Record(run.Score.TotalSeconds, _tags);
        AddClosed(closed, 1);
        Statistics.Batch(rows, run.Total);
    }

    internal void Request(TimeSpan elapsed, Degradation degraded)
    {
        _metrics.RequestTime.Record(elapsed.TotalSeconds, _tags);
        Statistics.Answered(elapsed);
        if (degraded != Degradation.None)
            AddDegraded(degraded, 1);
    }

    internal void Sample(TimeSpan elapsed, int nucleusSize)
    {
        _metrics.SampleTime.Record(elapsed.TotalSeconds, _tags);
        _metrics.NucleusSize.Record(nucleusSize, _tags);
    }

    /// <summary>A request was not answered; counted unless that is the caller's doing.</summary>
    internal void Failed(Exception exception, bool isLate, TimeSpan elapsed)
    {
        if (Outcome.Of(exception, isLate) is not null)
            Statistics.Fail.Add(elapsed);
    }

    internal void Shed(ShedReason reason) => AddShed(reason, 1);

    internal void InvalidLogits() => _metrics.InvalidLogits.Add(1, _tags);

    internal void RolledBack(VerdictKind reason) => AddRolledBack(reason, 1);

    internal void Shadow(string result) => Add(_metrics.Shadows, 1, "result", result);

    internal void Compare(in SlateComparison comparison)
    {
        _metrics.ShadowOverlap.Record(comparison.Overlap, _tags);
        _metrics.ShadowRankCorrelation.Record(comparison.RankCorrelation, _tags);
        _metrics.ShadowDrift.Record(comparison.ScoreDrift, _tags);
        if (!double.IsNaN(comparison.Personal))
            _metrics.ShadowPersonal.Record(comparison.Personal, _tags);
    }

    internal void ObserveQueue(Func<long> length) => _metrics.QueueLength.Set(this, _tags, length);

    internal void ForgetQueue() => _metrics.QueueLength.Remove(this);

    internal void ObserveLeases(Func<long> count) => _metrics.Leases.Set(this, _tags, count);

    internal void ObserveState(Func<long> state) => _metrics.State.Set(this, _tags, state);

    internal void ObserveMemory(Func<long> bytes) => _metrics.Memory.Set(this, _tags, bytes);

    private void AddShed(ShedReason reason, long requests) => Add(_metrics.Shed, requests, "reason", reason switch
    {
        ShedReason.QueueFull => "queue_full",
        ShedReason.Overloaded => "overloaded",
        ShedReason.Hopeless => "hopeless",
        ShedReason.DeadlineExceeded => "deadline_exceeded",
        ShedReason.Late => "late",
        ShedReason.Cancelled => "cancelled",
        _ => throw new UnreachableException(),
    });

    private void AddClosed(CloseReason reason, long batches) => Add(_metrics.BatchesClosed, batches, "reason", reason switch
    {
        CloseReason.Full => "full",
        CloseReason.QueueEmpty => "queue_empty",
        CloseReason.DelayOver => "delay_over",
        CloseReason.Padding => "padding",
        CloseReason.Shape => "shape",
        CloseReason.Hopeless => "hopeless",
        CloseReason.Retry => "retry",
        _ => throw new UnreachableException(),
    });

    private void AddDegraded(Degradation degraded, long requests) => Add(_metrics.Degraded, requests, "what", degraded.ToWord());

    private void AddRolledBack(VerdictKind reason, long times) => Add(_metrics.RolledBack, times, "reason", reason.ToString().ToLowerInvariant());

    private void Add(Counter<long> counter, long count, string key, string value)
    {
        var tags = _tags;
        tags.Add(key, value);
        counter.Add(count, tags);
    }
}
