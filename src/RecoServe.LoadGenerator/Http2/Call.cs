using System.Buffers;
using Grpc.Core;

namespace RecoServe.LoadGenerator.Http2;

/// <summary>One call that has not been answered yet.</summary>
internal sealed class Call
{
    /// <summary>Bytes before a message: compressed or not, and 4 of its length.</summary>
    internal const int PrefixBytes = 5;

    // Not in the thread that reads: that would keep the other answers waiting.
    private readonly TaskCompletionSource<Answer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ArrayBufferWriter<byte> _body = new(1024);

    /// <summary>Completes with the answer; never fails.</summary>
    internal Task<Answer> Answer => _answer.Task;

    /// <summary>A part of the answer's body came.</summary>
    internal void Receive(ReadOnlySpan<byte> part) => _body.Write(part);

    /// <summary>It is over.</summary>
    internal void End(StatusCode status) =>
        _answer.TrySetResult(new Answer(status, status == StatusCode.OK && _body.WrittenCount >= PrefixBytes ? _body.WrittenMemory[PrefixBytes..] : default));
}
