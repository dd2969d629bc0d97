using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using RecoServe.Contracts.V1;

namespace RecoServe.Server.Tests;

public sealed class MeasuredBodyTests : IDisposable
{
    private const int Room = 100_000;

    private readonly ServerMetrics _metrics = new();
    private readonly RequestMemory _memory;

    public MeasuredBodyTests() => _memory = new RequestMemory(new ServerOptions { LargeRequestBytes = Room }, _metrics);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _memory.Dispose();
        _metrics.Dispose();
    }

    [Fact]
    public async Task SmallMessages_HoweverMany_NeedNoRoom()
    {
        using var all = _memory.Take(Room);
        for (var i = 0; i < 20; i++)
            Assert.Equal(RequestMemory.Small, (await ReadAsync(await CallAsync(MethodType.Unary, RequestMemory.Small))).Length);
    }

    [Fact]
    public async Task LargeMessage_ThereIsRoom_IsReadAndHoldsItUntilTheCallEnds()
    {
        var call = await CallAsync(MethodType.Unary, Room);
        Assert.Equal(Room, (await ReadAsync(call)).Length);
        Assert.Throws<RpcException>(() => _memory.Take(1));
        call.Dispose();
        _memory.Take(Room).Dispose();
    }

    [Fact]
    public async Task LargeMessage_NoRoom_IsRefusedWithARetry()
    {
        using var most = _memory.Take(Room - RequestMemory.Small);
        var e = await Assert.ThrowsAsync<RpcException>(async () => await ReadAsync(await CallAsync(MethodType.Unary, RequestMemory.Small + 1)));
        Assert.Equal((StatusCode.ResourceExhausted, "100"), (e.StatusCode, e.Trailers.GetValue("grpc-retry-pushback-ms")));
    }

    [Fact]
    public async Task MessageLargerThanAllTheRoom_NothingElseIsThere_IsRead() =>
        Assert.Equal(2 * Room, (await ReadAsync(await CallAsync(MethodType.Unary, 2 * Room))).Length);

    [Fact]
    public async Task LargeMessageOfAStream_NoRoom_WaitsForIt()
    {
        var all = _memory.Take(Room);
        var call = await CallAsync(MethodType.DuplexStreaming, Room / 2);
        var reading = ReadAsync(call);
        Assert.False(reading.IsCompleted);
        all.Dispose();
        Assert.Equal(Room / 2, (await reading.WaitAsync(Token)).Length);
    }

    [Fact]
    public async Task LargeMessageOfAStream_CancelledWhileItWaits_TakesNone()
    {
        using var source = new CancellationTokenSource();
        using (_memory.Take(Room))
        {
            var reading = (await CallAsync(MethodType.ClientStreaming, Room)).Reader.ReadAsync(source.Token).AsTask();
            await source.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        }

        _memory.Take(Room).Dispose();
    }

    [Fact]
    public async Task Stream_NextMessage_GivesBackTheRoomOfTheOneBefore()
    {
        var call = await CallAsync(MethodType.DuplexStreaming, Room, 10, Room, Room);
        foreach (var length in (int[])[Room, 10, Room, Room])
            Assert.Equal(length, (await ReadAsync(call).WaitAsync(Token)).Length);
    }

    [Fact]
    public async Task Stream_ClaimedRoom_IsItsClaimants()
    {
        var call = await CallAsync(MethodType.DuplexStreaming, Room, Room);
        await ReadAsync(call);
        var room = MeasuredBody.ClaimRoom(call.Context);
        Assert.Null(MeasuredBody.ClaimRoom(call.Context));
        var next = ReadAsync(call);
        call.Dispose();
        Assert.False(next.IsCompleted);
        room!.Dispose();
        await next.WaitAsync(Token);
    }

    [Fact]
    public async Task CompressedMessage_CountsForMore()
    {
        var call = await CallAsync(MethodType.Unary);
        await call.WriteAsync(2000, compressed: true);
        using var most = _memory.Take(Room - 31_999);
        await Assert.ThrowsAsync<RpcException>(() => ReadAsync(call));
    }

    [Fact]
    public async Task HeaderComesByteByByte_IsMeasuredWhenItIsWhole()
    {
        using var all = _memory.Take(Room);
        var call = await CallAsync(MethodType.Unary);
        var reading = ReadAsync(call);
        foreach (var part in (byte[])[0, 0, 1, 0])
        {
            await call.Pipe.Writer.WriteAsync(new[] { part }, Token);
            Assert.False(reading.IsCompleted);
        }

        await call.Pipe.Writer.WriteAsync(new byte[] { 0 }, Token);
        await Assert.ThrowsAsync<RpcException>(() => reading);
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

    private async Task<Call> CallAsync(MethodType type, params int[] lengths)
    {
        var call = new Call(type);
        await _memory.InvokeAsync(call.Context, _ => Task.CompletedTask);
        foreach (var length in lengths)
            await call.WriteAsync(length);
        return call;
    }

    /// <summary>A call as the server sees it.</summary>
    private sealed class Call : IDisposable, IRequestBodyPipeFeature
    {
        internal Call(MethodType type)
        {
            var marshaller = Marshallers.Create(_ => [], _ => new RecommendRequest());
            var method = new Method<RecommendRequest, RecommendRequest>(type, "service", "method", marshaller, marshaller);
            Context.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(new GrpcMethodMetadata(typeof(object), method)), null));
            Context.Request.ContentType = "application/grpc";
            Context.Features.Set<IRequestBodyPipeFeature>(this);
        }

        internal Pipe Pipe { get; } = new(new PipeOptions(pauseWriterThreshold: 0));

        internal DefaultHttpContext Context { get; } = new();

        PipeReader IRequestBodyPipeFeature.Reader => Pipe.Reader;

        internal PipeReader Reader => Context.Request.BodyReader;

        public void Dispose() => ((MeasuredBody)Reader).Dispose();

        internal async Task WriteAsync(int length, bool compressed = false)
        {
            var message = new byte[5 + length];
            message[0] = (byte)(compressed ? 1 : 0);
            BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), length);
            await Pipe.Writer.WriteAsync(message, Token);
        }
    }
}
