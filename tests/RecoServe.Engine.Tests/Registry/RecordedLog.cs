using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace RecoServe.Engine.Tests.Registry;

/// <summary>Keeps what is logged, and lets a test wait for it.</summary>
internal sealed class RecordedLog<T> : ILogger<T>
{
    private readonly ConcurrentQueue<(string Event, string Text)> _lines = [];

    internal IEnumerable<string> Of(string eventName) => _lines.Where(l => l.Event == eventName).Select(l => l.Text);

    internal int CountOf(string eventName) => Of(eventName).Count();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((eventId.Name ?? "", formatter(state, exception)));

    internal async Task WaitForAsync(string eventName)
    {
        while (!Of(eventName).Any())
        {
            RegistryFixture.Token.ThrowIfCancellationRequested();
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, RegistryFixture.Token);
        }
    }
}
