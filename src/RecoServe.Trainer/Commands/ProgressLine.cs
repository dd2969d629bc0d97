namespace RecoServe.Trainer.Commands;

/// <summary>One line on the error stream that is written over, and wiped at the end; nothing unless a person is watching.</summary>
/// <param name="error">Where to write; shows only on the console's own error stream, if that is not redirected.</param>
internal sealed class ProgressLine(TextWriter error) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly bool _isWatched = ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;
    private long _shownAt;
    private int _width;

    /// <summary>Shows a text, unless the last was shown a moment ago.</summary>
    public void Show(string text)
    {
        if (!_isWatched || (_width > 0 && TimeProvider.System.GetElapsedTime(_shownAt) < Pause))
            return;
        error.Write($"\r{text.PadRight(_width)}");
        (_shownAt, _width) = (TimeProvider.System.GetTimestamp(), text.Length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_width > 0)
            error.Write($"\r{new string(' ', _width)}\r");
    }
}
