using Grpc.Core;

namespace RecoServe.Server;

/// <summary>The requests of a stream, until the server stops: callers may keep a stream open for ever, and would hold up the server.</summary>
internal sealed class StoppingReader<T>(IAsyncStreamReader<T> requests, CancellationToken stopping) : IAsyncStreamReader<T>
{
    /// <inheritdoc/>
    public T Current => requests.Current;

    /// <inheritdoc/>
    /// <exception cref="ServerStoppingException">The server stops: no further request is read.</exception>
    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        try
        {
            return await requests.MoveNext(ending.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ServerStoppingException();
        }
    }
}
