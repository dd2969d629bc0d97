using System.Globalization;
using Google.Rpc;
using Grpc.Core;
using RecoServe.Contracts.Inference;
using V1 = RecoServe.Contracts.V1;

namespace RecoServe.Server;

/// <summary>
/// Refuses requests at the door, before they are read, while the process has more to do than it gets done: when work waits too
/// long for a thread, which is what comes before and after the queues; and when every queue is full, which the batchers would say
/// too, at a higher cost. Where one has room, they decide.
/// </summary>
/// <remarks>
/// A delay that passes is no overload, one that stands is (Nichols and Jacobson 2012): only when for a while no work has gone
/// through in time, requests are refused; then whenever work waits too long, until for longer none has. Of a time without requests,
/// and so without probes, nothing is known: it neither stands nor is the last delay one of the present.
/// </remarks>
internal sealed class LoadShedder(ServerOptions options, ServerMetrics metrics, TimeProvider clock, Func<TimeSpan?> fullFor)
{
    /// <summary>A request needs a thread about so often: it is hopeless if each costs more than this share of its time.</summary>
    private const double TurnsOfARequest = 4;

    private const long None = long.MinValue;

    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(1);

    /// <summary>So long a delay must stand to be an overload.</summary>
    private static readonly TimeSpan Onset = TimeSpan.FromMilliseconds(50);

    /// <summary>So long there must have been none for the overload to be over.</summary>
    private static readonly TimeSpan Relief = TimeSpan.FromSeconds(1);

    private static readonly string[] Paths =
    [
        $"/{V1.RecommendationService.Descriptor.FullName}/Recommend", $"/{V1.RecommendationService.Descriptor.FullName}/Score",
        $"/{GRPCInferenceService.Descriptor.FullName}/ModelInfer",
    ];

    private readonly long _epoch = clock.GetTimestamp();

    /// <summary>When the probe that is under way was sent, in one word with whether there is one.</summary>
    private long _underWay = None;

    private long _lastSent = -ProbeInterval.Ticks;
    private long _lastDelay;
    private long _lastArrived;

    // The probe's own: there is one at a time.
    private TimeSpan _lateSince;
    private TimeSpan _lastLate = -Relief;
    private int _lateProbes;
    private volatile bool _overloaded;

    /// <summary>Lets the pool of threads do something.</summary>
    internal Action<Action> Enqueue { get; init; } = static work => ThreadPool.UnsafeQueueUserWorkItem(static w => w(), work, preferLocal: false);

    private TimeSpan Now => clock.GetElapsedTime(_epoch);

    /// <summary>How long work waits for a thread at present: the last probe, or one that has waited longer already.</summary>
    internal TimeSpan Delay
    {
        get
        {
            var isPresent = Now.Ticks - Volatile.Read(ref _lastArrived) <= Onset.Ticks;
            var last = isPresent ? TimeSpan.FromTicks(Volatile.Read(ref _lastDelay)) : TimeSpan.Zero;
            var waiting = Volatile.Read(ref _underWay) is var sent and not None ? Now - TimeSpan.FromTicks(sent) : TimeSpan.Zero;
            return waiting > last ? waiting : last;
        }
    }

    /// <summary>The middleware.</summary>
    internal Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (!Paths.Contains(context.Request.Path.Value, StringComparer.Ordinal))
            return next(context);
        Probe();
        var delay = Delay;
        if (_overloaded && delay > options.MaxThreadDelay)
            Refuse(context.Response, RefusalReason.ThreadsBusy, CallStatus.Retry(Code.ResourceExhausted, "the server is overloaded", delay + delay));
        else if (delay * TurnsOfARequest > TimeLeft(context.Request.Headers["grpc-timeout"]))
            Refuse(context.Response, RefusalReason.DeadlineTooNear, CallStatus.Status(Code.DeadlineExceeded, "the deadline is too near for an answer"));
        else if (fullFor() is { } wait)
            Refuse(context.Response, RefusalReason.QueuesFull, CallStatus.Retry(Code.ResourceExhausted, "the server is overloaded: its queues are full", wait));
        else
            return next(context);
        return Task.CompletedTask;
    }

    /// <summary>The time that a caller gives, as gRPC over HTTP/2 writes it: at most eight digits and a unit.</summary>
    private static TimeSpan TimeLeft(string? timeout)
    {
        if (timeout is not { Length: > 1 } || !long.TryParse(timeout.AsSpan(0, timeout.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            return TimeSpan.MaxValue;
        value = Math.Min(value, 99_999_999); // more no time can hold
        return timeout[^1] switch
        {
            'H' => TimeSpan.FromHours(value),
            'M' => TimeSpan.FromMinutes(value),
            'S' => TimeSpan.FromSeconds(value),
            'm' => TimeSpan.FromMilliseconds(value),
            'u' => TimeSpan.FromMicroseconds(value),
            'n' => TimeSpan.FromTicks(value / TimeSpan.NanosecondsPerTick),
            _ => TimeSpan.MaxValue,
        };
    }

    /// <summary>The request's body is not read.</summary>
    private void Refuse(Microsoft.AspNetCore.Http.HttpResponse response, RefusalReason reason, RpcException refusal)
    {
        metrics.Refused(reason);
        CallStatus.Answer(response, refusal);
    }

    /// <summary>Sends a probe through the pool of threads, unless one is under way or has just been.</summary>
    private void Probe()
    {
        var now = Now.Ticks;
        if (now - Volatile.Read(ref _lastSent) < ProbeInterval.Ticks || Interlocked.CompareExchange(ref _underWay, now, None) != None)
            return;
        if (now - Volatile.Read(ref _lastArrived) > Relief.Ticks)
            _overloaded = false; // of a time long ago; no probe is under way that would say so
        Volatile.Write(ref _lastSent, now);
        Enqueue(Arrive);
    }

    private void Arrive()
    {
        var (now, sent) = (Now, TimeSpan.FromTicks(Volatile.Read(ref _underWay)));
        Volatile.Write(ref _lastDelay, (now - sent).Ticks);
        if (now - sent > options.MaxThreadDelay)
        {
            if (_lateProbes++ == 0 || sent.Ticks - _lastArrived > Onset.Ticks)
                (_lateProbes, _lateSince) = (1, sent);
            _lastLate = now;
            _overloaded |= _lateProbes > 1 && now - _lateSince >= Onset; // a single pause is none
        }
        else
        {
            _lateProbes = 0;
            _overloaded &= now - _lastLate < Relief;
        }

        Volatile.Write(ref _lastArrived, now.Ticks);
        Volatile.Write(ref _underWay, None);
    }
}
