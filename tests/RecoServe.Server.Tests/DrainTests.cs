using System.Collections.Concurrent;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;
using RecoServe.Contracts.V1;

namespace RecoServe.Server.Tests;

public sealed class DrainTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stopping_WaitsUntilTheLastAnswerIsSent()
    {
        using var drain = new Drain(new ServerOptions { DrainTime = TimeSpan.Zero }, TimeProvider.System);
        var (first, second) = (new Sending(), new Sending());
        await drain.InvokeAsync(ContextOf(first), _ => Task.CompletedTask);
        await drain.InvokeAsync(ContextOf(second), _ => Task.CompletedTask);
        var stopping = drain.StoppingAsync(Token);
        Assert.True(drain.Stopping.IsCancellationRequested);
        await first.CompleteAsync();
        Assert.False(stopping.IsCompleted);
        await second.CompleteAsync();
        await stopping.WaitAsync(Long, Token);
    }

    [Fact]
    public async Task Stopping_CallsThatComeLater_AreNotWaitedFor()
    {
        using var drain = new Drain(new ServerOptions { DrainTime = TimeSpan.Zero }, TimeProvider.System);
        var open = new Sending();
        await drain.InvokeAsync(ContextOf(open), _ => Task.CompletedTask);
        var stopping = drain.StoppingAsync(Token);
        await drain.InvokeAsync(ContextOf(new Sending()), _ => Task.CompletedTask);
        await open.CompleteAsync();
        await stopping.WaitAsync(Long, Token);
    }

    /// <summary>Not as a server that has too much to do: the caller shall go elsewhere.</summary>
    [Fact]
    public async Task Stopping_CallsThatComeLater_AreAnsweredUnread()
    {
        using var drain = new Drain(new ServerOptions { DrainTime = TimeSpan.Zero }, TimeProvider.System);
        await drain.StoppingAsync(Token);
        var call = new DefaultHttpContext { Request = { ContentType = "application/grpc" } };
        await drain.InvokeAsync(call, _ => throw new InvalidOperationException("taken"));
        Assert.Equal(("14", "1000"), ((string?)call.Response.Headers["grpc-status"], (string?)call.Response.Headers["grpc-retry-pushback-ms"]));
        var passed = false;
        await drain.InvokeAsync(new DefaultHttpContext(), _ =>
        {
            passed = true;
            return Task.CompletedTask;
        });
        Assert.True(passed);
    }

    [Fact]
    public async Task Stopping_HostsPatienceEnds_GoesOn()
    {
        using var drain = new Drain(new ServerOptions { DrainTime = TimeSpan.Zero }, TimeProvider.System);
        await drain.InvokeAsync(ContextOf(new Sending()), _ => Task.CompletedTask);
        await drain.StoppingAsync(new CancellationToken(canceled: true)).WaitAsync(Long, Token);
    }

    [Fact]
    public async Task Stopping_NothingIsOpen_LeavesTimeToBeTold()
    {
        var clock = new FakeTimeProvider();
        var options = new ServerOptions();
        using var drain = new Drain(options, clock);
        var stopping = drain.StoppingAsync(Token);
        clock.Advance(options.DrainTime - TimeSpan.FromMilliseconds(1));
        Assert.False(stopping.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        await stopping.WaitAsync(Long, Token);
    }

    /// <summary>Whoever asks while the server stops gets an answer or is told to go elsewhere; nobody sees it break.</summary>
    [Fact]
    public async Task Stop_UnderLoad_EveryCallIsAnsweredOrUnavailable()
    {
        var server = await RunningServer.StartAsync(
            // A machine that stands still for a while must not refuse any.
            settings: [("Server:DrainTime", "00:00:00.250"), ("Server:MaxThreadDelay", "00:01:00")]);
        var client = new RecommendationService.RecommendationServiceClient(server.Channel);
        var statuses = new ConcurrentBag<StatusCode>();
        using var answers = new SemaphoreSlim(0);
        var callers = Enumerable.Range(0, 16).Select(_ => Task.Run(CallAsync, Token)).ToArray();
        for (var i = 0; i < 200; i++)
            await answers.WaitAsync(Token);
        await server.App.StopAsync(Token);
        await Task.WhenAll(callers);
        Assert.Equal([StatusCode.OK, StatusCode.Unavailable], statuses.Distinct().Order());
        await server.DisposeAsync();

        async Task CallAsync()
        {
            StatusCode status;
            do
            {
                status = await StatusAsync(client);
                statuses.Add(status);
                answers.Release();
            }
            while (status is StatusCode.OK);
        }
    }

    private static async Task<StatusCode> StatusAsync(RecommendationService.RecommendationServiceClient client)
    {
        try
        {
            await client.RecommendAsync(new RecommendRequest { SlateSize = 3 }, cancellationToken: Token);
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }

    private static DefaultHttpContext ContextOf(Sending sending)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpResponseFeature>(sending);
        return context;
    }

    /// <summary>An answer that is under way until told otherwise.</summary>
    private sealed class Sending : HttpResponseFeature
    {
        private Func<Task> _completed = () => Task.CompletedTask;

        public override void OnCompleted(Func<object, Task> callback, object state) => _completed = () => callback(state);

        internal Task CompleteAsync() => _completed();
    }
}
