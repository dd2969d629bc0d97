using Google.Rpc;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace RecoServe.Server.Tests;

public sealed class LoadShedderTests : IDisposable
{
    private const string Recommend = "/recoserve.v1.RecommendationService/Recommend";

    private readonly FakeTimeProvider _clock = new();
    private readonly ServerMetrics _metrics = new();
    private readonly List<Action> _pool = [];
    private readonly LoadShedder _shedder;
    private TimeSpan? _fullFor;

    public LoadShedderTests() =>
        _shedder = new LoadShedder(new ServerOptions { MaxThreadDelay = TimeSpan.FromMilliseconds(100) }, _metrics, _clock, () => _fullFor) { Enqueue = _pool.Add };

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public async Task Request_ThreadsAreFree_IsTaken()
    {
        Assert.True(await IsTakenAsync());
        RunPool(after: TimeSpan.Zero);
        Assert.True(await IsTakenAsync());
    }

    [Fact]
    public async Task Request_OnePause_IsTaken()
    {
        Assert.True(await IsTakenAsync());
        RunPool(after: TimeSpan.FromMilliseconds(500));
        Assert.True(await IsTakenAsync());
    }

    [Fact]
    public async Task Request_DelayStands_IsRefusedUntilItIsOver()
    {
        await OverloadAsync();
        Assert.False(await IsTakenAsync());
        RunPool(after: TimeSpan.FromMilliseconds(3));
        Assert.True(await IsTakenAsync()); // there is room
        RunPool(after: TimeSpan.FromMilliseconds(101));
        Assert.False(await IsTakenAsync()); // and at once no more
    }

    [Fact]
    public async Task Request_NoDelayForASecond_OnePauseIsForgivenAgain()
    {
        await OverloadAsync();
        for (var i = 0; i < 3; i++)
        {
            await IsTakenAsync();
            RunPool(after: TimeSpan.FromMilliseconds(3));
            _clock.Advance(TimeSpan.FromMilliseconds(500));
        }

        Assert.True(await IsTakenAsync());
        RunPool(after: TimeSpan.FromMilliseconds(500));
        Assert.True(await IsTakenAsync());
    }

    [Fact]
    public async Task Request_OverloadedAndWorkStillWaits_IsRefusedBeforeItIsDone()
    {
        await OverloadAsync();
        Assert.False(await IsTakenAsync());
        RunPool(after: TimeSpan.FromMilliseconds(3));
        Assert.True(await IsTakenAsync());
        _clock.Advance(TimeSpan.FromMilliseconds(101));
        Assert.False(await IsTakenAsync());
        Assert.Single(_pool); // one probe at a time
    }

    [Theory]
    [InlineData("50m", false)]
    [InlineData("50000u", false)]
    [InlineData("50000000n", false)]
    [InlineData("100m", true)]
    [InlineData("1S", true)]
    [InlineData("1M", true)]
    [InlineData("1H", true)]
    [InlineData("99999999H", true)]
    [InlineData("", true)]
    [InlineData("m", true)]
    [InlineData("-5m", true)]
    [InlineData("5x", true)]
    [InlineData("999999999999999999999999m", true)]
    [InlineData("999999999999999m", true)]
    [InlineData("9223372036854775807H", true)]
    [InlineData("9223372036854775807M", true)]
    [InlineData("9223372036854775807S", true)]
    public async Task Request_DelayWouldUseUpItsTime_IsRefused(string timeout, bool taken)
    {
        Assert.True(await IsTakenAsync());
        RunPool(after: TimeSpan.FromMilliseconds(20));
        Assert.Equal(taken, await IsTakenAsync(timeout: timeout));
    }

    [Fact]
    public async Task Request_TimeTooShortForTheDelay_IsNotToldToRetry()
    {
        Assert.True(await IsTakenAsync());
        RunPool(after: TimeSpan.FromMilliseconds(20));
        var context = Context(Recommend, "50m");
        await _shedder.InvokeAsync(context, _ => throw new InvalidOperationException("taken"));
        Assert.Equal(("4", ""), ((string?)context.Response.Headers["grpc-status"], context.Response.Headers["grpc-retry-pushback-ms"].ToString()));
    }

    /// <summary>A delay of another time says nothing of this one, whatever time the request has.</summary>
    [Fact]
    public async Task Request_NoneBeforeForAWhile_IsTaken()
    {
        Assert.True(await IsTakenAsync());
        RunPool(after: TimeSpan.FromMilliseconds(20));
        _clock.Advance(TimeSpan.FromMilliseconds(50));
        Assert.True(await IsTakenAsync(timeout: "1n"));
    }

    /// <summary>The one call that finds a pause then is forgiven, as the first of all is.</summary>
    [Fact]
    public async Task Request_OverloadWasLongAgo_OnePauseIsForgivenAgain()
    {
        await OverloadAsync();
        _clock.Advance(TimeSpan.FromMinutes(10));
        Assert.True(await IsTakenAsync());
        _clock.Advance(TimeSpan.FromMilliseconds(150));
        Assert.True(await IsTakenAsync()); // the probe is still under way
    }

    /// <summary>One caller, now and then, whose every call finds a pause: nothing stands.</summary>
    [Fact]
    public async Task Request_PausesFarApart_AreNoOverload()
    {
        for (var i = 0; i < 5; i++)
        {
            Assert.True(await IsTakenAsync());
            RunPool(after: TimeSpan.FromMilliseconds(150));
            Assert.True(await IsTakenAsync());
            RunPool(after: TimeSpan.Zero);
            _clock.Advance(TimeSpan.FromSeconds(2));
        }

        for (var i = 0; i < 5; i++)
        {
            Assert.True(await IsTakenAsync());
            RunPool(after: TimeSpan.FromMilliseconds(150));
            _clock.Advance(TimeSpan.FromMilliseconds(60));
        }
    }

    [Fact]
    public async Task OtherCalls_WorkWaits_AreTaken()
    {
        await OverloadAsync();
        Assert.True(await IsTakenAsync("/grpc.health.v1.Health/Check"));
        Assert.True(await IsTakenAsync("/recoserve.v1.ModelService/ListModels"));
    }

    [Fact]
    public async Task Refusal_IsAStatusWithRetryHints()
    {
        await OverloadAsync();
        var context = Context(Recommend, null);
        await _shedder.InvokeAsync(context, _ => throw new InvalidOperationException("taken"));
        var headers = context.Response.Headers;
        Assert.Equal(("application/grpc", "8", "300"), (context.Response.ContentType, (string?)headers["grpc-status"], (string?)headers["grpc-retry-pushback-ms"]));
        var encoded = headers["grpc-status-details-bin"].ToString();
        var status = Status.Parser.ParseFrom(Convert.FromBase64String(encoded.PadRight((encoded.Length + 3) / 4 * 4, '=')));
        Assert.Equal(TimeSpan.FromMilliseconds(300), status.Details[0].Unpack<RetryInfo>().RetryDelay.ToTimeSpan());
    }

    [Theory]
    [InlineData(Recommend)]
    [InlineData("/recoserve.v1.RecommendationService/Score")]
    [InlineData("/inference.GRPCInferenceService/ModelInfer")]
    public async Task Request_EveryQueueIsFull_IsRefusedUntilOneIsNot(string path)
    {
        _fullFor = TimeSpan.FromMilliseconds(70);
        var context = Context(path, null);
        await _shedder.InvokeAsync(context, _ => throw new InvalidOperationException("taken"));
        Assert.Equal(("8", "70"), ((string?)context.Response.Headers["grpc-status"], (string?)context.Response.Headers["grpc-retry-pushback-ms"]));
        Assert.True(await IsTakenAsync("/grpc.health.v1.Health/Check"));
        _fullFor = null;
        Assert.True(await IsTakenAsync(path));
    }

    private static DefaultHttpContext Context(string path, string? timeout)
    {
        var context = new DefaultHttpContext { Request = { Path = path } };
        if (timeout is not null)
            context.Request.Headers["grpc-timeout"] = timeout;
        return context;
    }

    private async Task OverloadAsync()
    {
        for (var i = 0; i < 2; i++)
        {
            await IsTakenAsync();
            RunPool(after: TimeSpan.FromMilliseconds(150));
        }
    }

    private async Task<bool> IsTakenAsync(string path = Recommend, string? timeout = null)
    {
        var taken = false;
        await _shedder.InvokeAsync(Context(path, timeout), _ =>
        {
            taken = true;
            return Task.CompletedTask;
        });
        return taken;
    }

    private void RunPool(TimeSpan after)
    {
        _clock.Advance(after);
        _pool.ForEach(work => work());
        _pool.Clear();
        _clock.Advance(TimeSpan.FromMilliseconds(1));
    }
}
