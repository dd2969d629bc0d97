using Grpc.Core;
using Grpc.Net.Client;
using RecoServe.Contracts.V1;
using RecoServe.LoadGenerator.Http2;
using RecoServe.LoadGenerator.Loops;

namespace RecoServe.LoadGenerator;

/// <summary>A running server, the requests that it is asked, and the connections to it. Every answer is checked for its number of items.</summary>
internal sealed class Target : IAsyncDisposable
{
    private static readonly string Method = $"/{RecommendationService.Descriptor.FullName}/Recommend";
    private static readonly TimeSpan MostBusy = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(20);

    private readonly Connection[] _connections;
    private readonly GrpcChannel _channel;
    private readonly int _callers;
    private readonly TimeProvider _clock;

    private Target(TargetProcess process, Connection[] connections, IReadOnlyList<MadeRequest> requests, int callers, TimeProvider clock)
    {
        (Process, _connections, Requests, _callers, _clock) = (process, connections, requests, callers, clock);
        _channel = GrpcChannel.ForAddress(process.Address);
        Models = new ModelService.ModelServiceClient(_channel);
    }

    /// <summary>The server.</summary>
    internal TargetProcess Process { get; }

    /// <summary>What it is asked, in turn; changed between loads.</summary>
    internal IReadOnlyList<MadeRequest> Requests { get; set; }

    /// <summary>The registry's methods.</summary>
    internal ModelService.ModelServiceClient Models { get; }

    /// <summary>Connects to a server.</summary>
    /// <param name="process">The server; disposed with the target.</param>
    /// <param name="requests">What it is asked.</param>
    /// <param name="connections">Number of connections.</param>
    /// <param name="callers">Callers of its closed loops.</param>
    /// <param name="clock">Measures.</param>
    internal static async Task<Target> ConnectAsync(TargetProcess process, IReadOnlyList<MadeRequest> requests, int connections, int callers, TimeProvider clock) =>
        new(process, await OpenAsync(process, connections), requests, callers, clock);

    /// <summary>Other connections to the same server.</summary>
    /// <param name="count">How many.</param>
    /// <param name="reads">Whether answers are read.</param>
    internal Task<Connection[]> OpenConnectionsAsync(int count, bool reads = true) => OpenAsync(Process, count, reads);

    /// <summary>A closed loop for a time, with the calls of <see cref="CallAsync(int)"/> unless told otherwise.</summary>
    internal Task<LoadResult> ClosedAsync(TimeSpan duration, Func<int, Task<StatusCode>>? call = null, int? callers = null) =>
        new ClosedLoop(call ?? CallAsync, _clock).RunAsync(callers ?? _callers, duration);

    /// <summary>A closed loop of so many calls.</summary>
    internal Task<LoadResult> ClosedAsync(int calls) => new ClosedLoop(CallAsync, _clock).RunAsync(_callers, calls);

    /// <summary>An open loop, with the calls of <see cref="CallAsync(int)"/> unless told otherwise.</summary>
    internal Task<LoadResult> OpenAsync(IEnumerable<TimeSpan> schedule, Func<int, Task<StatusCode>>? call = null) =>
        // A thread of its own, so that answers do not have to wait for a pool thread that paces.
        Task.Factory.StartNew(
            () => new OpenLoop(call ?? CallAsync, _clock, Pause.For).RunAsync(schedule), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();

    /// <summary>One answer; a server that is still busy with earlier calls is asked again.</summary>
    /// <exception cref="InvalidOperationException">It was refused, or there was no room for ten seconds.</exception>
    internal async Task<RecommendResponse> AnswerAsync()
    {
        var start = _clock.GetTimestamp();
        while (true)
        {
            RecommendResponse? answer = null;
            var status = await CallAsync(0, (a, _) => answer = a);
            if (answer is not null)
                return answer;
            if (status != StatusCode.ResourceExhausted || _clock.GetElapsedTime(start) > MostBusy)
                throw new InvalidOperationException($"the server answers with {status}");
            await Task.Delay(RetryDelay, _clock);
        }
    }

    /// <summary>Makes call number i.</summary>
    internal Task<StatusCode> CallAsync(int i) => CallAsync(i, static (_, _) => { });

    /// <summary>Makes call number i and shows its answer, and the time from sending it.</summary>
    internal Task<StatusCode> CallAsync(int i, Action<RecommendResponse, TimeSpan> observe) =>
        CallAsync(i, _connections[i % _connections.Length], observe, CancellationToken.None);

    /// <summary>Makes call number i over a connection of one's own, and does not look at the answer.</summary>
    internal Task<StatusCode> CallAsync(int i, Connection connection, CancellationToken cancellationToken = default) =>
        CallAsync(i, connection, static (_, _) => { }, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections)
            connection.Dispose();
        _channel.Dispose();
        await Process.DisposeAsync();
    }

    private static Task<Connection[]> OpenAsync(TargetProcess process, int count, bool reads = true) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(_ => Connection.OpenAsync(process.Address, Method, LoadResult.Deadline, reads)));

    /// <exception cref="InvalidOperationException">The slate has another number of items than asked for.</exception>
    private async Task<StatusCode> CallAsync(int i, Connection connection, Action<RecommendResponse, TimeSpan> observe, CancellationToken cancellationToken)
    {
        var request = Requests[i % Requests.Count];
        var start = _clock.GetTimestamp();
        var (status, message) = await connection.CallAsync(request.Message, cancellationToken);
        if (status != StatusCode.OK)
            return status;
        var elapsed = _clock.GetElapsedTime(start);
        var answer = RecommendResponse.Parser.ParseFrom(message.Span);
        if (answer.Items.Count != request.Items)
            throw new InvalidOperationException($"the answer to request {i % Requests.Count} has {answer.Items.Count} items instead of {request.Items}");
        observe(answer, elapsed);
        return status;
    }
}
