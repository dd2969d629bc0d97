using Microsoft.Extensions.Time.Testing;
using RecoServe.Engine.Registry;
using RecoServe.Testing;
using static RecoServe.Engine.Tests.Registry.RegistryFixture;

namespace RecoServe.Engine.Tests.Registry;

public sealed class RepositoryWatcherTests : IAsyncDisposable
{
    private readonly RegistryFixture _fixture = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly RecordedLog<RepositoryWatcher> _log = new();
    private readonly SemaphoreSlim _looks = new(0);
    private RepositoryWatcher? _watcher;

    public async ValueTask DisposeAsync()
    {
        await _watcher!.DisposeAsync();
        await _fixture.DisposeAsync();
        _looks.Dispose();
    }

    [Fact]
    public async Task Poll_NewVersion_IsLoadedAtTheNextInterval()
    {
        var registry = await StartAsync(RepositoryMode.Poll);
        _fixture.Publish(2);
        _clock.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Equal([1], Serving(registry));
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        await LookedAsync();
        Assert.Equal([2], Serving(registry));
    }

    [Fact]
    public async Task Poll_RepositoryIsAwayAndComesBack_IsLookedAtAgain()
    {
        var registry = await StartAsync(RepositoryMode.Poll);
        Directory.Move(_fixture.Repository.Path, _fixture.Repository.Path + ".away");
        _clock.Advance(TimeSpan.FromSeconds(5));
        await _log.WaitForAsync("RepositoryUnreadable");
        _clock.Advance(TimeSpan.FromSeconds(5)); // once is enough
        Directory.Move(_fixture.Repository.Path + ".away", _fixture.Repository.Path);
        _fixture.Publish(2);
        _clock.Advance(TimeSpan.FromSeconds(5));
        do
            await LookedAsync();
        while (Serving(registry) is not [2]); // one look may have come before the version
        await _log.WaitForAsync("RepositoryReadable");
        Assert.Equal(1, _log.CountOf("RepositoryUnreadable"));
    }

    /// <summary>The clock stands still, so only an event of the file system can tell.</summary>
    [Fact]
    public async Task Event_TriggerIsWritten_IsLookedAtOnce()
    {
        var registry = await StartAsync(RepositoryMode.Event);
        _fixture.Publish(2);
        File.WriteAllText(_fixture.Repository.File(".reload"), "2");
        await LookedAsync();
        Assert.Equal([2], Serving(registry));
    }

    /// <summary>The trigger appears by a move from elsewhere on a file system without events: here, the watcher is told of the time alone.</summary>
    [Fact]
    public async Task Event_NoEventComes_TheTriggerIsLookedAtAtIntervals()
    {
        var registry = await StartAsync(RepositoryMode.Event, withoutEvents: true);
        _fixture.Publish(2);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.False(await _looks.WaitAsync(0, Token));
        File.WriteAllText(_fixture.Repository.File(".reload"), "2");
        await LookedAtIntervalsAsync();
        Assert.Equal([2], Serving(registry));
    }

    /// <summary>The clock stands still, and no event comes.</summary>
    [Fact]
    public async Task Event_TriggerIsWrittenWhileTheRepositoryIsLoaded_IsLookedAtWhenWatchingBegins()
    {
        _fixture.Publish(1);
        var registry = _fixture.Create();
        Create(registry, RepositoryMode.Event, withoutEvents: true);
        _watcher!.RememberTrigger();
        await registry.LoadRepositoryAsync(Token);
        _fixture.Publish(2);
        File.WriteAllText(_fixture.Repository.File(".reload"), "2");
        _watcher.Start();
        await LookedAsync();
        Assert.Equal([2], Serving(registry));
    }

    [Fact]
    public async Task Event_LookFailed_IsRepeatedWithoutAnotherTrigger()
    {
        var registry = await StartAsync(RepositoryMode.Event, withoutEvents: true);
        new TestModel { Name = "another" }.Publish(_fixture.Repository.Path);
        File.WriteAllText(_fixture.Repository.File("another/traffic.json"), "{");
        File.WriteAllText(_fixture.Repository.File(".reload"), "2");
        await LookedAtIntervalsAsync();
        Assert.False(registry.Models.ContainsKey("another"));
        await LookedAtIntervalsAsync();
        Assert.Contains("another/1: ", Assert.Single(_log.Of("LookIncomplete")), StringComparison.Ordinal); // once
        File.Delete(_fixture.Repository.File("another/traffic.json"));
        do
            await LookedAtIntervalsAsync();
        while (!registry.Models.ContainsKey("another")); // one look may have come before
        Assert.Equal([1], Serving(registry, "another"));
    }

    /// <summary>Whatever gave up, it was not the watcher.</summary>
    [Fact]
    public async Task Poll_LookIsCancelledByOthers_TheNextComes()
    {
        await StartAsync(RepositoryMode.Poll);
        _watcher!.Looked += _ => throw new OperationCanceledException("by others");
        _clock.Advance(TimeSpan.FromSeconds(5));
        await LookedAsync();
        await _log.WaitForAsync("LookFailed");
        _clock.Advance(TimeSpan.FromSeconds(5));
        await LookedAsync();
    }

    [Fact]
    public async Task Explicit_TimePasses_NothingIsLookedAt()
    {
        var registry = await StartAsync(RepositoryMode.Explicit);
        _fixture.Publish(2);
        File.WriteAllText(_fixture.Repository.File(".reload"), "2");
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal([1], Serving(registry));
    }

    private async Task<ModelRegistry> StartAsync(RepositoryMode mode, bool withoutEvents = false)
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync();
        Create(registry, mode, withoutEvents);
        _watcher!.Start();
        return registry;
    }

    private void Create(ModelRegistry registry, RepositoryMode mode, bool withoutEvents)
    {
        _watcher = new RepositoryWatcher(new RegistryOptions { Repository = _fixture.Repository.Path, Mode = mode }, registry, _clock, _log) { UsesEvents = !withoutEvents };
        _watcher.Looked += _ => _looks.Release();
    }

    private async Task LookedAtIntervalsAsync()
    {
        for (var look = 0; !await _looks.WaitAsync(TimeSpan.FromMilliseconds(50), Token); look++)
        {
            Assert.True(look < 500, "nobody looked");
            _clock.Advance(TimeSpan.FromSeconds(5));
        }
    }

    private async Task LookedAsync() => Assert.True(await _looks.WaitAsync(TimeSpan.FromSeconds(60), Token));
}
