namespace RecoServe.Server;

/// <summary>
/// The end of the server: no further calls are taken, and connections stay until the calls that there are have been answered. Kestrel
/// closes a connection as soon as its last call has ended; a caller who was sending then may take the close for a failure, though an
/// answer has arrived, and so gets <see cref="ServerOptions.DrainTime"/> to read it.
/// </summary>
internal sealed class Drain(ServerOptions options, TimeProvider clock) : IHostedLifecycleService, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open = 1; // the server itself, until it stops

    /// <summary>Cancelled when the server begins to stop: calls without an end of their own must end.</summary>
    internal CancellationToken Stopping => _stopping.Token;

    /// <summary>The middleware; outermost, for a call is open until its last byte has been sent.</summary>
    internal Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (_stopping.IsCancellationRequested)
            return RefuseAsync(context, next);
        Interlocked.Increment(ref _open);
        context.Response.OnCompleted(static drain =>
        {
            ((Drain)drain).End();
            return Task.CompletedTask;
        }, this);
        return next(context);
    }

    /// <summary>Runs before Kestrel is stopped.</summary>
    /// <param name="cancellationToken">The host's patience; what is open then is cut off.</param>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        End();
        await _drained.Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.Delay(options.DrainTime, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stopping.Dispose();

    /// <summary>Calls that keep coming must not keep the server: they are answered unread, and not waited for.</summary>
    private static Task RefuseAsync(HttpContext context, RequestDelegate next)
    {
        if (!CallStatus.IsCall(context.Request))
            return next(context);
        CallStatus.Answer(context.Response, CallStatus.Stopping);
        return Task.CompletedTask;
    }

    private void End()
    {
        if (Interlocked.Decrement(ref _open) == 0)
            _drained.TrySetResult();
    }
}
