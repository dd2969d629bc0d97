using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;

namespace RecoServe.Server.Tests;

public sealed class MeasuredBodyTests : IDisposable
{
    private const string Recommend = "/recoserve.v1.RecommendationService/Recommend";
    private const string ModelInfer = "/inference.GRPCInferenceService/ModelInfer";

    /// <summary>Bytes of the longest message that is not counted.</summary>
    private const int Small = 16 << 10;

    private const int Large = 100_000;
    private const long Limit = 16 * Large;

    private readonly FakeTimeProvider _clock = new();
    private readonly ServerMetrics _metrics = new();
    private readonly RequestMemory _memory;

    public MeasuredBodyTests() => _memory = new RequestMemory(new ServerOptions { LargeRequestMemory = Limit }, _metrics, _clock);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public async Task SmallMessages_HoweverMany_AreNotCounted()
    {
        using var all = _memory.Take(Limit);
        for (var i = 0; i < 20; i++)
            Assert.Equal(Small, (await ReadAsync(await CallAsync(Recommend, Small))).Length);
        Assert.Equal(Limit, _memory.Held);
    }

    [Fact]
    public async Task LargeMessage_HoldsItsMemoryUntilTheCallEnds()
    {
        var call = await CallAsync(Recommend, Large);
        Assert.Equal(Large, (await ReadAsync(call)).Length);
        Assert.Equal(Limit, _memory.Held);
        Assert.Throws<RpcException>(() => _memory.Take(1));
        call.Dispose();
        call.Dispose();
        Assert.Equal(0, _memory.Held);
    }

    [Fact]
    public async Task LargeMessage_NoMemory_IsRefusedWithARetry()
    {
        using var most = _memory.Take(Limit - RequestMemory.Small);
        var e = await Assert.ThrowsAsync<RpcException>(async () => await ReadAsync(await CallAsync(Recommend, Small + 1)));
        Assert.Equal((StatusCode.ResourceExhausted, "100"), (e.StatusCode, e.Trailers.GetValue("grpc-retry-pushback-ms")));
        Assert.Equal(Limit - RequestMemory.Small, _memory.Held);
    }

    [Fact]
    public async Task MessageLargerThanAllTheMemory_IsReadAlone()
    {
        using (_memory.Take(1))
            await Assert.ThrowsAsync<RpcException>(async () => await ReadAsync(await CallAsync(Recommend, 2 * Large)));
        Assert.Equal(2 * Large, (await ReadAsync(await CallAsync(Recommend, 2 * Large))).Length);
    }

    [Fact]
    public void NoLimitGiven_ThereIsAShareOfTheMachines()
    {
        var memory = new RequestMemory(new ServerOptions(), _metrics, _clock);
        using var first = memory.Take(1 << 20);
        using var second = memory.Take(1 << 20);
        Assert.Throws<RpcException>(() => memory.Take(long.MaxValue / 2));
    }

    /// <summary>gRPC refuses it with words of its own.</summary>
    [Fact]
    public async Task MessageThatIsNeverTaken_TakesNothing()
    {
        using var all = _memory.Take(Limit);
        var call = await CallAsync(Recommend);
        await call.WriteHeaderAsync((4 << 20) + 1);
        Assert.Equal(5, (await call.Reader.ReadAsync(Token)).Buffer.Length);
    }

    [Fact]
    public async Task Tensors_CountForLess()
    {
        using var most = _memory.Take(Limit - RequestMemory.Small);
        Assert.Equal(8 * Small, (await ReadAsync(await CallAsync(ModelInfer, 8 * Small))).Length);
        await Assert.ThrowsAsync<RpcException>(async () => await ReadAsync(await CallAsync(ModelInfer, (8 * Small) + 1)));
    }

    [Fact]
    public async Task CompressedMessage_IsCountedAsItIsInflated_AndNotBeyondTheLargest()
    {
        var call = await CallAsync(Recommend);
        await call.WriteHeaderAsync(100, compressed: true);
        await call.Reader.ReadAsync(Token);
        var body = (MeasuredBody)call.Reader;
        foreach (var (length, held) in ((int, long)[])[(100, 0), (Small, 0), (Small + 1, 16 * (Small + 1)), (3 * Small, 16 * 3 * Small)])
        {
            body.Inflated(length);
            Assert.Equal(held, _memory.Held);
        }

        call.Dispose();
        Assert.Equal(0, _memory.Held);
        body.Inflated(5 << 20);
        Assert.Equal(16L * (4 << 20), _memory.Held);
        call.Dispose();
        Assert.Equal(0, _memory.Held);
    }

    [Fact]
    public async Task CompressedMessage_NoMemory_IsRefusedWithARetry()
    {
        var call = await CallAsync(Recommend);
        await call.WriteHeaderAsync(100, compressed: true);
        await call.Reader.ReadAsync(Token);
        using var most = _memory.Take(Limit - RequestMemory.Small);
        var e = Assert.Throws<RpcException>(() => ((MeasuredBody)call.Reader).Inflated(Small + 1));
        Assert.Equal((StatusCode.ResourceExhausted, "100"), (e.StatusCode, e.Trailers.GetValue("grpc-retry-pushback-ms")));
        Assert.Equal(Limit - RequestMemory.Small, _memory.Held);
    }

    [Fact]
    public async Task Stream_NextMessage_GivesBackTheMemoryOfTheOneBefore()
    {
        var call = await CallAsync(Recommend, Large, 10, Large, Large);
        foreach (var length in (int[])[Large, 10, Large, Large])
        {
            Assert.Equal(length, (await ReadAsync(call)).Length);
            Assert.Equal(length == Large ? Limit : 0, _memory.Held);
        }
    }

    [Fact]
    public async Task Stream_ClaimedMemory_IsItsClaimants()
    {
        var call = await CallAsync(Recommend, Large, 10);
        await ReadAsync(call);
        var memory = MeasuredBody.Claim(call.Context);
        Assert.Null(MeasuredBody.Claim(call.Context));
        await ReadAsync(call);
        call.Dispose();
        Assert.Equal(Limit, _memory.Held);
        memory!.Dispose();
        Assert.Equal(0, _memory.Held);
    }

    [Fact]
    public async Task HeaderComesByteByByte_IsMeasuredWhenItIsWhole()
    {
        var call = await CallAsync(Recommend);
        var reading = ReadAsync(call);
        foreach (var part in (byte[])[0, 0, 1, 0, 0])
        {
            Assert.False(reading.IsCompleted);
            Assert.Equal(0, _memory.Held);
            await call.Pipe.Writer.WriteAsync(new[] { part }, Token);
        }

        await call.Pipe.Writer.WriteAsync(new byte[65_536], Token);
        Assert.Equal(65_536, (await reading).Length);
        Assert.Equal(16 * 65_536, _memory.Held);
    }

    [Fact]
    public async Task LargeMessage_StopsHalfway_IsGivenUp()
    {
        var call = await CallAsync(Recommend);
        await call.WriteHeaderAsync(Large);
        var reading = ReadAsync(call);
        _clock.Advance(MeasuredBody.Patience / 2);
        await call.Pipe.Writer.WriteAsync(new byte[10], Token);
        Assert.False(reading.IsCompleted);
        _clock.Advance(MeasuredBody.Patience / 2); // some bytes do not begin the time anew
        var e = await Assert.ThrowsAsync<RpcException>(() => reading.WaitAsync(TimeSpan.FromSeconds(30), Token));
        Assert.Equal(StatusCode.DeadlineExceeded, e.StatusCode);
    }

    [Fact]
    public async Task SmallMessage_StopsHalfway_IsWaitedFor()
    {
        var call = await CallAsync(Recommend);
        await call.WriteHeaderAsync(Small);
        var reading = ReadAsync(call);
        _clock.Advance(10 * MeasuredBody.Patience);
        await call.Pipe.Writer.WriteAsync(new byte[Small], Token);
        Assert.Equal(Small, (await reading).Length);
    }

    private static async Task<byte[]> ReadAsync(Call call)
    {
        while (true)
        {
            var result = await call.Reader.ReadAsync(Token);
            var length = result.Buffer.Length < 5 ? int.MaxValue : BinaryPrimitives.ReadInt32BigEndian(result.Buffer.Slice(1, 4).ToArray());
            if (result.Buffer.Length >= 5L + length)
            {
                var message = result.Buffer.Slice(5, length);
                var bytes = message.ToArray();
                call.Reader.AdvanceTo(message.End);
                return bytes;
            }

            call.Reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private async Task<Call> CallAsync(string path, params int[] lengths)
    {
        var call = new Call(path);
        await _memory.InvokeAsync(call.Context, _ => Task.CompletedTask);
        foreach (var length in lengths)
        {
            await call.WriteHeaderAsync(length);
            await call.Pipe.Writer.WriteAsync(new byte[length], Token);
        }

        return call;
    }

    /// <summary>A call as the server sees it.</summary>
    private sealed class Call : IDisposable, IRequestBodyPipeFeature
    {
        internal Call(string path)
        {
            (Context.Request.Path, Context.Request.ContentType) = (path, "application/grpc");
            Context.Features.Set<IRequestBodyPipeFeature>(this);
        }

        internal Pipe Pipe { get; } = new(new PipeOptions(pauseWriterThreshold: 0));

        internal DefaultHttpContext Context { get; } = new();

        PipeReader IRequestBodyPipeFeature.Reader => Pipe.Reader;

        internal PipeReader Reader => Context.Request.BodyReader;

        public void Dispose() => ((MeasuredBody)Reader).Dispose();

        internal async Task WriteHeaderAsync(int length, bool compressed = false)
        {
            var header = new byte[5];
            header[0] = (byte)(compressed ? 1 : 0);
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(1), length);
            await Pipe.Writer.WriteAsync(header, Token);
        }
    }
}
