using System.Globalization;
using System.Text.RegularExpressions;
using Google.Rpc;
using Grpc.Core;
using Grpc.Reflection.V1Alpha;
using RecoServe.Contracts.V1;
using RecoServe.Testing;

namespace RecoServe.Server.Tests;

/// <summary>Rows of the contract's table of statuses that need a model which misbehaves or a server under pressure.</summary>
public sealed class StatusTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Recommend_ModelGivesNaN_IsInternalWithoutDetailsAndCounted()
    {
        await using var server = await RunningServer.StartAsync(r => new TestModel { Bias = i => i == 7 ? 3e38f : 0, Row = (i, c) => i == 7 ? 3e19f : 1 }.Publish(r));
        var e = await CallAsync(server, new RecommendRequest { History = { new Watch { ItemId = "i7" } }, Filter = new Filter { IncludeWatched = true } });
        Assert.Equal((StatusCode.Internal, "the model failed to compute the answer"), (e.StatusCode, e.Status.Detail));
        using var http = new HttpClient();
        Assert.Matches("recoserve_invalid_logits_total{.*} [1-9]", await http.GetStringAsync(new Uri(server.HttpAddress, "/metrics"), Token));
    }

    /// <summary>A length beyond the end, and a varint that does not end: of each kind of method that the server has (none that streams only requests).</summary>
    [Theory]
    [InlineData(MethodType.Unary, "recoserve.v1.RecommendationService", "Recommend", "the message is no RecommendRequest: ")]
    [InlineData(MethodType.DuplexStreaming, "recoserve.v1.RecommendationService", "RecommendStream", "the message is no RecommendStreamRequest: ")]
    [InlineData(MethodType.ServerStreaming, "recoserve.v1.ModelService", "WatchModels", "the message is no WatchModelsRequest: ")]
    [InlineData(MethodType.Unary, "inference.GRPCInferenceService", "ModelInfer", "the message is no ModelInferRequest: ")]
    public async Task AnyMethod_MessageIsNoProtobuf_IsInvalidArgument(MethodType type, string service, string name, string detail)
    {
        await using var server = await RunningServer.StartAsync();
        var bytes = Marshallers.Create(message => message, message => message);
        var method = new Method<byte[], byte[]>(type, service, name, bytes, bytes);
        foreach (var garbage in new byte[][] { [0x0A, 0x7F, 0x01], [0xFF, 0xFF] })
        {
            using var call = server.Channel.CreateCallInvoker().AsyncDuplexStreamingCall(method, null, new CallOptions(cancellationToken: Token));
            await call.RequestStream.WriteAsync(garbage, Token);
            await call.RequestStream.CompleteAsync();
            var e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Token));
            Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
            Assert.StartsWith(detail, e.Status.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Recommend_NativeRunFails_IsInternalAndTheNextIsAnswered()
    {
        await using var server = await RunningServer.StartAsync(r => new TestModel { PoisonAbove = 5 }.Publish(r));
        var e = await CallAsync(server, new RecommendRequest { History = { new Watch { ItemId = "i6" } } });
        Assert.Equal((StatusCode.Internal, "the model failed to compute the answer"), (e.StatusCode, e.Status.Detail));
        var client = new RecommendationService.RecommendationServiceClient(server.Channel);
        Assert.Equal(10, (await client.RecommendAsync(new RecommendRequest { History = { new Watch { ItemId = "i5" } } }, cancellationToken: Token)).Items.Count);
    }

    [Fact]
    public async Task Recommend_QueueFull_IsResourceExhaustedWithRetryHints()
    {
        // A slow model (a large catalogue, one row a batch) and room for one in the queue.
        await using var server = await RunningServer.StartAsync(
            r => new TestModel { ItemCount = 200_000, Dimension = 64 }.Publish(r), ("Batcher:QueueCapacity", "1"), ("Runner:MaxBatchSize", "1"));
        var client = new RecommendationService.RecommendationServiceClient(server.Channel);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 200).Select(async _ =>
        {
            try
            {
                await client.RecommendAsync(new RecommendRequest(), cancellationToken: Token);
                return null;
            }
            catch (RpcException e)
            {
                return e;
            }
        }));
        var refused = outcomes.OfType<RpcException>().ToArray();
        Assert.Contains(outcomes, o => o is null);
        Assert.NotEmpty(refused);
        Assert.All(refused, e =>
        {
            Assert.Equal(StatusCode.ResourceExhausted, e.StatusCode);
            Assert.True(e.GetRpcStatus()!.GetDetail<RetryInfo>()!.RetryDelay.ToTimeSpan() > TimeSpan.Zero);
            Assert.InRange(int.Parse(e.Trailers.GetValue("grpc-retry-pushback-ms")!, CultureInfo.InvariantCulture), 1, 60_000);
        });
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri(server.HttpAddress, "/metrics"), Token);
        Assert.Matches("recoserve_(shed|refused)_total{.*reason=\"queues?_full\".*} [1-9]", metrics);
        Assert.Contains(refused, e => e.Status.Detail.Contains("queues are full", StringComparison.Ordinal) || e.Status.Detail.Contains("rows wait", StringComparison.Ordinal));
    }

    /// <summary>The client ends such a call by itself; what the server did with it, its metrics tell.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnyCall_CallerGoesAway_LeavesTheQueue(bool scores)
    {
        var hasLeft = false;
        for (var attempt = 0; attempt < 3 && !hasLeft; attempt++) // on a machine that stands still the row's second may pass
        {
            await using var server = await StartLingeringAsync();
            using var cancel = new CancellationTokenSource();
            var call = StatusOf(Call(server, scores, new CallOptions(cancellationToken: cancel.Token)));
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, Token);
            await cancel.CancelAsync();
            Assert.True(await call is StatusCode.Cancelled or StatusCode.OK);
            await StatusesOfAsync(server, scores ? "Score" : "Recommend", expected: 1);
            hasLeft = Regex.IsMatch(await MetricsAsync(server), "recoserve_shed_total{.*reason=\"cancelled\".*} 1");
        }

        Assert.True(hasLeft);
    }

    /// <summary>Without its deadline a row would wait longer, and be taken for one whose caller went away.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnyCall_DeadlinePassesInTheQueue_IsKnownToTheQueue(bool scores)
    {
        await using var server = await StartLingeringAsync();
        var status = await StatusOf(Call(server, scores, new CallOptions(deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMilliseconds(500))));
        Assert.True(status is StatusCode.OK or StatusCode.DeadlineExceeded, $"{status}");
        await StatusesOfAsync(server, scores ? "Score" : "Recommend", expected: 1);
        Assert.Matches("recoserve_shed_total{.*reason=\"cancelled\".*} 0", await MetricsAsync(server));
    }

    [Fact]
    public async Task Reflection_CallersGoAway_AreCountedAsCancelledAlone()
    {
        const int Calls = 50;
        await using var server = await RunningServer.StartAsync();
        var client = new ServerReflection.ServerReflectionClient(server.Channel);
        for (var i = 0; i < Calls; i++)
        {
            using var call = client.ServerReflectionInfo(cancellationToken: Token);
            await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, Token);
            Assert.True(await call.ResponseStream.MoveNext(Token));
        }

        Assert.Equal([("Cancelled", Calls)], await StatusesOfAsync(server, "ServerReflectionInfo", Calls));
    }

    /// <summary>Clients of Go keep such a stream open: it would hold up the server for as long as the host has patience.</summary>
    [Fact]
    public async Task Reflection_ServerStops_EndsAtOnce()
    {
        await using var server = await RunningServer.StartAsync(settings: ("Server:DrainTime", "00:00:00.250"));
        using var call = new ServerReflection.ServerReflectionClient(server.Channel).ServerReflectionInfo(cancellationToken: Token);
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, Token);
        Assert.True(await call.ResponseStream.MoveNext(Token));
        var next = call.ResponseStream.MoveNext(Token);
        await server.App.StopAsync(Token).WaitAsync(TimeSpan.FromSeconds(10), Token);
        var e = await Assert.ThrowsAsync<RpcException>(() => next);
        Assert.Equal((StatusCode.Unavailable, "1000"), (e.StatusCode, e.Trailers.GetValue("grpc-retry-pushback-ms")));
    }

    /// <summary>How often a method ended in which status, once it has ended as often as expected.</summary>
    private static async Task<(string Status, int Count)[]> StatusesOfAsync(RunningServer server, string method, int expected)
    {
        using var http = new HttpClient();
        while (true)
        {
            var metrics = await http.GetStringAsync(new Uri(server.HttpAddress, "/metrics"), Token);
            var statuses = Regex.Matches(metrics, $"rpc_server_call_duration_seconds_count{{.*{method}\",rpc_status_code=\"([A-Za-z]+)\"}} ([0-9]+)")
                .Select(m => (m.Groups[1].Value, int.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture))).ToArray();
            if (statuses.Sum(s => s.Item2) >= expected)
                return statuses;
        }
    }

    /// <summary>A server whose first call waits a second for others.</summary>
    private static Task<RunningServer> StartLingeringAsync() => RunningServer.StartAsync(r => new TestModel().Publish(r), ("Batcher:MaxQueueDelay", "00:00:01"));

    private static Task Call(RunningServer server, bool scores, CallOptions options)
    {
        var client = new RecommendationService.RecommendationServiceClient(server.Channel);
        return scores
            ? client.ScoreAsync(new ScoreRequest { CandidateIds = { "i1" } }, options).ResponseAsync
            : client.RecommendAsync(new RecommendRequest(), options).ResponseAsync;
    }

    private static async Task<string> MetricsAsync(RunningServer server)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri(server.HttpAddress, "/metrics"), Token);
    }

    private static async Task<StatusCode> StatusOf(Task call)
    {
        try
        {
            await call;
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }

    private static async Task<RpcException> CallAsync(RunningServer server, RecommendRequest request)
    {
        var client = new RecommendationService.RecommendationServiceClient(server.Channel);
        return await Assert.ThrowsAsync<RpcException>(() => client.RecommendAsync(request, cancellationToken: Token).ResponseAsync);
    }
}
