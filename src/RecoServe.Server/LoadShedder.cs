using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using V1 = RecoServe.Contracts.V1;

namespace RecoServe.Server;

/// <summary>
/// Refuses requests at the door, before they are read, while the process has more to do than it gets done: when work waits too
/// long for a thread. A queue that is full is told by the batcher; this is for what comes before and after it. A refusal costs a
/// small part of an answer, so that under any overload most of the machine still answers.
/// </summary>
/// <remarks>
/// A delay that passes is no overload, one that stands is (Nichols and Jacobson 2012): only when for a while no work has gone
/// through in time, requests are refused; then whenever work waits too long, until for longer none has.
/// </remarks>
internal sealed class LoadShedder(ServerOptions options, ServerMetrics metrics, TimeProvider clock)
{
    /// <summary>A request needs a thread about so often: it is hopeless if each costs more than this share of its time.</summary>
    private const double TurnsOfARequest = 4;

    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(1);

    /// <summary>So long a delay must stand to be an overload.</summary>
    private static readonly TimeSpan Onset = TimeSpan.FromMilliseconds(50);

    /// <summary>So long there must have been none for the overload to be over.</summary>
    private static readonly TimeSpan Relief = TimeSpan.FromSeconds(1);

    private static readonly string[] Paths = [.. ((string[])["Recommend", "Score"]).Select(m => $"/{V1.RecommendationService.Descriptor.FullName}/{m}")];

    private readonly long _epoch = clock.GetTimestamp();
    private long _probeSent = -ProbeInterval.Ticks;
    private long _lastDelay;
    private TimeSpan _lateSince;
    private TimeSpan _lastLate = -Relief;
    private int _lateProbes;
    private int _probing;
    private volatile bool _overloaded;

    /// <summary>Lets the pool of threads do something.</summary>
    internal Action<Action> Enqueue { get; init; } = static work => ThreadPool.UnsafeQueueUserWorkItem(static w => w(), work, preferLocal: false);

    private TimeSpan Now => clock.GetElapsedTime(_epoch);

    /// <summary>How long work waits for a thread at present: the last probe, or one that has waited longer already.</summary>
    internal TimeSpan Delay
    {
        get
        {
            var last = TimeSpan.FromTicks(Volatile.Read(ref _lastDelay));
            var waiting = Volatile.Read(ref _probing) == 1 ? Now - TimeSpan.FromTicks(Volatile.Read(ref _probeSent)) : TimeSpan.Zero;
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
        if (!(_overloaded && delay > options.MaxThreadDelay) && delay * TurnsOfARequest <= TimeLeft(context.Request.Headers["grpc-timeout"]))
            return next(context);
        metrics.Refused();
        Refuse(context.Response, delay);
        return Task.CompletedTask;
    }

    /// <summary>The time that a caller gives, as gRPC over HTTP/2 writes it: digits and a unit.</summary>
    private static TimeSpan TimeLeft(string? timeout)
    {
        if (timeout is not { Length: > 1 } || !long.TryParse(timeout.AsSpan(0, timeout.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            return TimeSpan.MaxValue;
        return timeout[^1] switch
        {
            'H' => TimeSpan.FromHours(Math.Min(value, 1_000_000)),
            'M' => TimeSpan.FromMinutes(value),
            'S' => TimeSpan.FromSeconds(value),
            'm' => TimeSpan.FromMilliseconds(value),
            'u' => TimeSpan.FromMicroseconds(value),
            'n' => TimeSpan.FromTicks(value / TimeSpan.NanosecondsPerTick),
            _ => TimeSpan.MaxValue,
        };
    }

    /// <summary>Answers with nothing but a status: the request's body is not read.</summary>
    private static void Refuse(Microsoft.AspNetCore.Http.HttpResponse response, TimeSpan delay)
    {
        const string Message = "the server is overloaded";
        var retry = delay + delay;
        var status = new Google.Rpc.Status
        {
            Code = (int)Code.ResourceExhausted,
            Message = Message,
            Details = { Any.Pack(new RetryInfo { RetryDelay = retry.ToDuration() }) },
        };
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = ((int)StatusCode.ResourceExhausted).ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Message;
        response.Headers[CallStatus.RetryPushback] = Math.Ceiling(retry.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-status-details-bin"] = Convert.ToBase64String(status.ToByteArray()).TrimEnd('=');
    }

    /// <summary>Sends a probe through the pool of threads, unless one is under way or has just been.</summary>
    private void Probe()
    {
        var now = Now;
        if (now.Ticks - Volatile.Read(ref _probeSent) < ProbeInterval.Ticks || Interlocked.CompareExchange(ref _probing, 1, 0) != 0)
            return;
        Volatile.Write(ref _probeSent, now.Ticks);
        Enqueue(Arrive);
    }

    private void Arrive()
    {
        var (now, sent) = (Now, TimeSpan.FromTicks(Volatile.Read(ref _probeSent)));
        Volatile.Write(ref _lastDelay, (now - sent).Ticks);
        if (now - sent > options.MaxThreadDelay)
        {
            if (_lateProbes++ == 0)
                _lateSince = sent;
            _lastLate = now;
            _overloaded |= _lateProbes > 1 && now - _lateSince >= Onset; // a single pause is none
        }
        else
        {
            _lateProbes = 0;
            _overloaded &= now - _lastLate < Relief;
        }

        Volatile.Write(ref _probing, 0);
    }
}
