using Grpc.Core;
using RecoServe.Contracts.V1;
using RecoServe.LoadTest.Loops;

namespace RecoServe.LoadTest.Targets;

/// <summary>A running server, the requests that it is asked, and the connections to it. Every answer is checked for its number of items.</summary>
internal sealed class Target : IAsyncDisposable
{
    /// <summary>Deadline of a call: so long after it is sent.</summary>
    internal static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    private readonly Connection[] _connections;
    private readonly int _callers;
    private readonly TimeProvider _clock;
    private long _afterDeadline;

    /// <param name="process">The server; disposed with this.</param>
    /// <param name="requests">What it is asked.</param>
    /// <param name="options">Connections and callers.</param>
    /// <param name="clock">Measures.</param>
    internal Target(TargetProcess process, IReadOnlyList<MadeRequest> requests, LoadOptions options, TimeProvider clock)
    {
        (Process, Requests, _callers, _clock) = (process, requests, options.Callers, clock);
        _connections = NewConnections(options.Connections);
    }

    /// <summary>The server.</summary>
    internal TargetProcess Process { get; }

    /// <summary>What it is asked, in turn; changed between loads.</summary>
    internal IReadOnlyList<MadeRequest> Requests { get; set; }

    /// <summary>The registry's methods.</summary>
    internal ModelService.ModelServiceClient Models => _connections[0].Models;

    /// <summary>Answers that came after the deadline of their call, so far.</summary>
    internal long AfterDeadline => Interlocked.Read(ref _afterDeadline);

    /// <summary>Other connections to the same server.</summary>
    internal Connection[] NewConnections(int count, int? bytesPerSecond = null) =>
        [.. Enumerable.Range(0, count).Select(_ => new Connection(Process.Address, bytesPerSecond))];

    /// <summary>A closed loop for a time, with the calls of <see cref="CallAsync(int)"/> unless told otherwise.</summary>
    internal Task<LoadResult> ClosedAsync(TimeSpan duration, Func<int, Task<StatusCode>>? call = null) =>
        new ClosedLoop(call ?? CallAsync, _clock).RunAsync(_callers, duration);

    /// <summary>A closed loop of so many calls.</summary>
    internal Task<LoadResult> ClosedAsync(int calls) => new ClosedLoop(CallAsync, _clock).RunAsync(_callers, calls);

    /// <summary>An open loop, with the calls of <see cref="CallAsync(int)"/> unless told otherwise.</summary>
    internal Task<LoadResult> OpenAsync(IEnumerable<TimeSpan> schedule, Func<int, Task<StatusCode>>? call = null) =>
        // A thread of its own, so that answers do not have to wait for a pool thread that paces.
        Task.Factory.StartNew(
            () => new OpenLoop(call ?? CallAsync, _clock, Pause.For).RunAsync(schedule), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();

    /// <summary>One answer.</summary>
    /// <exception cref="InvalidOperationException">It was refused.</exception>
    internal async Task<RecommendResponse> AnswerAsync()
    {
        RecommendResponse? answer = null;
        var status = await CallAsync(0, (a, _) => answer = a);
        return answer ?? throw new InvalidOperationException($"the server answers with {status}");
    }

    /// <summary>Makes call number i.</summary>
    internal Task<StatusCode> CallAsync(int i) => CallAsync(i, static (_, _) => { });

    /// <summary>Makes call number i and shows its answer, and the time from sending it.</summary>
    internal Task<StatusCode> CallAsync(int i, Action<RecommendResponse, TimeSpan> observe) =>
        CallAsync(i, _connections[i % _connections.Length], observe, CancellationToken.None);

    /// <summary>Makes call number i over a connection.</summary>
    /// <exception cref="InvalidOperationException">The slate has another number of items than asked for.</exception>
    internal async Task<StatusCode> CallAsync(int i, Connection connection, Action<RecommendResponse, TimeSpan> observe, CancellationToken cancellationToken)
    {
        var request = Requests[i % Requests.Count];
        var start = _clock.GetTimestamp();
        try
        {
            var answer = await connection.RecommendAsync(request.Message, (_clock.GetUtcNow() + Timeout).UtcDateTime, cancellationToken);
            var elapsed = _clock.GetElapsedTime(start);
            if (elapsed > Timeout)
                Interlocked.Increment(ref _afterDeadline);
            if (answer.Items.Count != request.Items)
                throw new InvalidOperationException($"the answer to request {i % Requests.Count} has {answer.Items.Count} items instead of {request.Items}");
            observe(answer, elapsed);
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections)
            connection.Dispose();
        await Process.DisposeAsync();
    }
}
