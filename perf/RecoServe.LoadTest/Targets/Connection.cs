using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using RecoServe.Contracts.V1;

namespace RecoServe.LoadTest.Targets;

/// <summary>
/// A channel for requests that have been serialised before the run, without retries and balancing. Not RecoServe.Client: the
/// generator shares the machine with the server, so what it uses itself is taken from what it measures.
/// </summary>
internal sealed class Connection : IDisposable
{
    private static readonly Method<byte[], RecommendResponse> Recommend = new(
        MethodType.Unary, RecommendationService.Descriptor.FullName, nameof(Recommend),
        Marshallers.Create<byte[]>(message => message, bytes => bytes),
        Marshallers.Create((answer, context) => context.Complete(answer.ToByteArray()), context => RecommendResponse.Parser.ParseFrom(context.PayloadAsReadOnlySequence())));

    private readonly GrpcChannel _channel;
    private readonly CallInvoker _invoker;

    /// <param name="address">The server.</param>
    /// <param name="bytesPerSecond">How fast answers are read; null: as fast as they come.</param>
    internal Connection(Uri address, int? bytesPerSecond = null)
    {
        // One connection carries a limited number of calls at a time; past that, open another instead of queueing.
        var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true };
        if (bytesPerSecond is { } rate)
            handler.ConnectCallback = async (context, token) => new SlowStream(await ConnectAsync(context, token), rate, TimeProvider.System);
        _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        _invoker = _channel.CreateCallInvoker();
        Models = new ModelService.ModelServiceClient(_invoker);
    }

    /// <summary>The registry's methods.</summary>
    internal ModelService.ModelServiceClient Models { get; }

    /// <summary>Asks for one slate.</summary>
    /// <exception cref="RpcException">It was not given.</exception>
    internal async Task<RecommendResponse> RecommendAsync(byte[] request, DateTime deadline, CancellationToken cancellationToken)
    {
        using var call = _invoker.AsyncUnaryCall(Recommend, null, new CallOptions(deadline: deadline, cancellationToken: cancellationToken), request);
        return await call.ResponseAsync;
    }

    public void Dispose() => _channel.Dispose();

    private static async Task<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        // A small window, so that the server notices soon that nobody reads.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
