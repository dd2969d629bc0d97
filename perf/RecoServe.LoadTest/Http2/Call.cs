using Grpc.Core;

namespace RecoServe.LoadTest.Http2;

/// <summary>One call that has not been answered yet.</summary>
/// <param name="message">The request, serialised.</param>
/// <param name="deadline">When its answer is worth nothing any more, a timestamp of the clock.</param>
internal sealed class Call(byte[] message, long deadline)
{
    private const int PrefixBytes = 5; // gRPC: compressed or not, and the length of the message

    private readonly TaskCompletionSource<Answer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private byte[] _body = [];
    private int _received;

    /// <summary>The request.</summary>
    internal byte[] Message => message;

    /// <summary>When the answer is worth nothing any more.</summary>
    internal long Deadline => deadline;

    /// <summary>The number of its stream; 0: not sent yet.</summary>
    internal int Stream { get; set; }

    /// <summary>Completes with the answer; never fails.</summary>
    internal Task<Answer> Answer => _answer.Task;

    /// <summary>A part of the answer's body came.</summary>
    internal void Receive(ReadOnlySpan<byte> part)
    {
        if (_received + part.Length > _body.Length)
            Array.Resize(ref _body, _received + part.Length);
        part.CopyTo(_body.AsSpan(_received));
        _received += part.Length;
    }

    /// <summary>It is over.</summary>
    internal void End(StatusCode status)
    {
        var message = _received > PrefixBytes ? _body.AsMemory(PrefixBytes, _received - PrefixBytes) : default;
        _answer.TrySetResult(new Answer(status, message));
    }
}

/// <summary>How a call ended.</summary>
/// <param name="Status">The server's status, or the client's if there was none.</param>
/// <param name="Message">The answer, serialised; empty unless the status is OK.</param>
internal readonly record struct Answer(StatusCode Status, ReadOnlyMemory<byte> Message);
