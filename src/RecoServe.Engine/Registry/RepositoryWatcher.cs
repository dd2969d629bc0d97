using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;

namespace RecoServe.Engine.Registry;

/// <summary>
/// Looks at the repository by itself: at intervals, or when the trigger file changes. Events of the file system are only hints,
/// which some file systems do not give: at intervals the trigger file is looked at all the same.
/// </summary>
public sealed class RepositoryWatcher : IAsyncDisposable
{
    private readonly RegistryOptions _options;
    private readonly ModelRegistry _registry;
    private readonly TimeProvider _clock;
    private readonly ILogger<RepositoryWatcher> _log;
    private readonly CancellationTokenSource _stop = new();

    /// <summary>That something may have changed: more than one hint is one.</summary>
    private readonly Channel<bool> _hints = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Why the repository could not be looked at last; null if it could.</summary>
    private string? _problem;

    /// <summary>What failed in the last look. For its files it is passed over in the next, for the store it is tried again.</summary>
    private string _undone = "";

    private Task<string>? _mark;
    private FileSystemWatcher? _events;
    private ITimer? _timer;
    private Task _watching = Task.CompletedTask;

    /// <summary>Watches nothing before <see cref="Start"/>.</summary>
    public RepositoryWatcher(RegistryOptions options, ModelRegistry registry, TimeProvider clock, ILogger<RepositoryWatcher> log) =>
        (_options, _registry, _clock, _log) = (options, registry, clock, log);

    /// <summary>Raised after a look, with what it did.</summary>
    public event Action<IReadOnlyList<ReloadOutcome>>? Looked;

    /// <summary>Whether events of the file system are listened to.</summary>
    internal bool UsesEvents { get; init; } = true;

    /// <summary>Remembers the trigger file as it is: before the repository is looked at first, so that what is written meanwhile is not lost.</summary>
    public void RememberTrigger() => _mark = MarkAsync(_stop.Token);

    /// <summary>Begins to watch; in mode Explicit there is nothing to do.</summary>
    public void Start()
    {
        if (_options.Mode == RepositoryMode.Explicit)
            return;
        var seen = _mark ?? MarkAsync(_stop.Token);
        _timer = _clock.CreateTimer(_ => _hints.Writer.TryWrite(true), null, _options.PollInterval, _options.PollInterval);
        if (_options.Mode == RepositoryMode.Event && UsesEvents && !BucketAddress.IsMeant(_options.Repository))
            WatchTrigger();
        if (_options.Mode == RepositoryMode.Event)
            _hints.Writer.TryWrite(true); // it may have been written since it was remembered
        _watching = Task.Run(() => WatchAsync(seen, _stop.Token));
    }

    /// <summary>Ends watching; a load that has begun comes to its end.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _events?.Dispose();
        if (_timer is not null)
            await _timer.DisposeAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task WatchAsync(Task<string> before, CancellationToken cancellationToken)
    {
        string? seen = null;
        await TryAsync(async () => seen = await before);
        while (await _hints.Reader.ReadAsync(cancellationToken))
        {
            await TryAsync(async () =>
            {
                var now = await MarkAsync(cancellationToken);
                if (_options.Mode == RepositoryMode.Event && now == seen)
                    return;
                var outcomes = await _registry.ReloadAsync(cancellationToken);
                var undone = string.Join("; ", outcomes.Where(o => o.Action == ReloadAction.Failed).Select(o => $"{o.Name}/{o.Version}: {o.Reason}"));
                if (undone.Length == 0)
                    seen = now; // from before the look: a change during it is another
                else if (undone != _undone)
                    EngineLog.LookIncomplete(_log, undone);
                _undone = undone;
                Looked?.Invoke(outcomes);
            });
        }
    }

    /// <summary>Changes with the trigger file; in mode Poll nobody asks.</summary>
    private Task<string> MarkAsync(CancellationToken cancellationToken) =>
        _options.Mode == RepositoryMode.Event ? _registry.Repository.MarkOfAsync(_options.TriggerFile, cancellationToken) : Task.FromResult("");

    private async Task TryAsync(Func<Task> look)
    {
        try
        {
            await look();
            if (_problem is not null)
                EngineLog.RepositoryReadable(_log);
            _problem = null;
        }
        catch (Exception e) when (e is PackageException or StoreUnavailableException)
        {
            if (e.Message != _problem) // a share or a bucket that is away comes back: till then it is told once
                EngineLog.RepositoryUnreadable(_log, e.Message);
            _problem = e.Message;
        }
        catch (Exception e) when (e is not OperationCanceledException || !_stop.IsCancellationRequested)
        {
            EngineLog.LookFailed(_log, e); // the next look may do better
        }
    }

    private void WatchTrigger()
    {
        try
        {
            _events = new FileSystemWatcher(_options.Repository, _options.TriggerFile);
            _events.Created += Hint;
            _events.Changed += Hint;
            _events.Renamed += Hint;
            _events.EnableRaisingEvents = true;
        }
        catch (Exception e) when (e is IOException or ArgumentException or PlatformNotSupportedException)
        {
            EngineLog.NoFileEvents(_log, _options.PollInterval, e.Message);
        }
    }

    private void Hint(object sender, FileSystemEventArgs change) => _hints.Writer.TryWrite(true);
}
