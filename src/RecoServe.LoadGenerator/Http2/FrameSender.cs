using System.Net.Sockets;

namespace RecoServe.LoadGenerator.Http2;

/// <summary>Sends frames; those that are added while others are being sent go together.</summary>
/// <param name="socket">Where they go.</param>
/// <param name="gate">Whoever touches <see cref="Next"/> or flushes holds it.</param>
internal sealed class FrameSender(Socket socket, Lock gate)
{
    private FrameBuffer _sending = new();
    private bool _isSending;

    /// <summary>What the next <see cref="Flush"/> sends.</summary>
    internal FrameBuffer Next { get; private set; } = new();

    /// <summary>Begins to send, unless that is under way. If the connection is lost, whoever reads it notices.</summary>
    internal void Flush()
    {
        if (_isSending || Next.Content.IsEmpty)
            return;
        _isSending = true;
        _ = SendAsync();
    }

    private async Task SendAsync()
    {
        try
        {
            while (TakeNext())
            {
                for (var rest = _sending.Content; rest.Length > 0;)
                    rest = rest[await socket.SendAsync(rest)..];
                _sending.Clear();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Nothing is sent any more: _isSending stays.
        }
    }

    private bool TakeNext()
    {
        lock (gate)
        {
            (Next, _sending) = (_sending, Next);
            return _isSending = !_sending.Content.IsEmpty;
        }
    }
}
