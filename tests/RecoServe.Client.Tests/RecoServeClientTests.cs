using System.Collections.Concurrent;
using Grpc.Core;
using RecoServe.Contracts.V1;

namespace RecoServe.Client.Tests;

/// <summary>What the client adds to the generated stubs: deadlines, retries, connections.</summary>
public sealed class RecoServeClientTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(StatusCode.Unavailable)]
    [InlineData(StatusCode.ResourceExhausted)]
    public async Task Recommend_ServerRefusesTwice_IsAnsweredAtTheThirdTry(StatusCode status)
    {
        await using var server = await ScriptedServer.StartAsync((call, _) => call < 3 ? Fail(status) : Task.CompletedTask);
        using var client = NewClient(server.Address);
        await client.RecommendAsync(new RecommendRequest(), Token);
        Assert.Equal(3, server.Calls);
    }

    [Theory]
    [InlineData(StatusCode.Unavailable, 3, 3)]
    [InlineData(StatusCode.Unavailable, 1, 1)]
    [InlineData(StatusCode.InvalidArgument, 3, 1)]
    [InlineData(StatusCode.Internal, 3, 1)]
    public async Task Score_ServerAlwaysFails_GivesUpAfterMaxAttempts(StatusCode status, int maxAttempts, int calls)
    {
        await using var server = await ScriptedServer.StartAsync((_, _) => Fail(status));
        using var client = NewClient(server.Address, o => o.MaxAttempts = maxAttempts);
        var e = await Assert.ThrowsAsync<RpcException>(() => client.ScoreAsync(new ScoreRequest(), Token));
        Assert.Equal((status, calls), (e.StatusCode, server.Calls));
    }

    /// <summary>gRPC A6: a negative pushback means "do not try again".</summary>
    [Fact]
    public async Task Recommend_ServerAsksNotToRetry_IsNotTriedAgain()
    {
        await using var server = await ScriptedServer.StartAsync((_, context) =>
        {
            context.ResponseTrailers.Add("grpc-retry-pushback-ms", "-1");
            return Fail(StatusCode.Unavailable);
        });
        using var client = NewClient(server.Address);
        await Assert.ThrowsAsync<RpcException>(() => client.RecommendAsync(new RecommendRequest(), Token));
        Assert.Equal(1, server.Calls);
    }

    [Fact]
    public async Task Recommend_ServerHangs_EndsAtTheDeadlineOnBothSides()
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await ScriptedServer.StartAsync(async (_, context) =>
        {
            await using var registration = context.CancellationToken.Register(() => cancelled.TrySetResult());
            await cancelled.Task;
        });
        using var client = NewClient(server.Address, o => o.Timeout = TimeSpan.FromMilliseconds(200));
        do
        {
            var e = await Assert.ThrowsAsync<RpcException>(() => client.RecommendAsync(new RecommendRequest(), Token));
            Assert.Equal(StatusCode.DeadlineExceeded, e.StatusCode);
        }
        while (server.Calls == 0); // on a busy machine the deadline can pass before the call has arrived

        await cancelled.Task.WaitAsync(Token);
    }

    [Fact]
    public async Task Recommendations_CallsHaveTheDeadlineThatTheyAreGiven()
    {
        var deadlines = new ConcurrentQueue<DateTime>();
        await using var server = await ScriptedServer.StartAsync((_, context) =>
        {
            deadlines.Enqueue(context.Deadline);
            return Task.CompletedTask;
        });
        using var client = NewClient(server.Address);
        var far = TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(2);
        await client.Recommendations.RecommendAsync(new RecommendRequest(), cancellationToken: Token);
        await client.Recommendations.RecommendAsync(new RecommendRequest(), deadline: far, cancellationToken: Token);
        await client.RecommendAsync(new RecommendRequest(), Token);
        Assert.Collection(
            deadlines,
            none => Assert.Equal(DateTime.MaxValue, none),
            own => Assert.Equal(far, own, TimeSpan.FromMinutes(30)),
            usual => Assert.InRange(usual, DateTime.UnixEpoch, far.AddHours(-1)));
    }

    [Fact]
    public async Task Recommend_CallerCancels_CancelsTheServersCall()
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await ScriptedServer.StartAsync(async (_, context) =>
        {
            await using var registration = context.CancellationToken.Register(cancelled.SetResult);
            arrived.SetResult();
            await cancelled.Task;
        });
        using var client = NewClient(server.Address);
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var call = client.RecommendAsync(new RecommendRequest(), source.Token);
        await arrived.Task.WaitAsync(Token);
        await source.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => call)).StatusCode);
        await cancelled.Task.WaitAsync(Token);
    }

    /// <summary>One HTTP/2 connection carries 100 calls at a time: the 150th must not wait for one of them to end.</summary>
    [Fact]
    public async Task Recommend_MoreCallsThanOneConnectionCarries_AllReachTheServerAtOnce()
    {
        const int Calls = 150;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await ScriptedServer.StartAsync((call, _) =>
        {
            if (call == Calls)
                all.SetResult();
            return all.Task;
        });
        using var client = NewClient(server.Address);
        await Task.WhenAll(Enumerable.Range(0, Calls).Select(_ => client.RecommendAsync(new RecommendRequest(), Token)));
        Assert.Equal(Calls, server.Calls);
    }

    [Fact]
    public async Task Recommend_AddressOfADnsName_IsResolved()
    {
        await using var server = await ScriptedServer.StartAsync((_, _) => Task.CompletedTask);
        using var client = NewClient(new Uri($"dns:///localhost:{server.Address.Port}"));
        await client.RecommendAsync(new RecommendRequest(), Token);
        Assert.Equal(1, server.Calls);
    }

    private static RecoServeClient NewClient(Uri address, Action<RecoServeClientOptions>? change = null)
    {
        var options = new RecoServeClientOptions { Address = address, Timeout = Long };
        change?.Invoke(options);
        return new RecoServeClient(options);
    }

    private static Task Fail(StatusCode status) => throw new RpcException(new Status(status, "scripted"));
}
