namespace RecoServe.LoadTest;

/// <summary>What is being done, a line for each step: written over on a terminal, one after the other elsewhere.</summary>
/// <param name="output">Where to write.</param>
/// <param name="writesOver">Whether it is a terminal.</param>
/// <param name="clock">Measures how long the run has taken.</param>
internal sealed class RunProgress(TextWriter output, bool writesOver, TimeProvider clock) : IDisposable
{
    private readonly long _start = clock.GetTimestamp();
    private string _scenario = "";
    private int _width;

    /// <summary>A scenario begins.</summary>
    internal void Begin(string scenario, int number, int count)
    {
        _scenario = $"{number}/{count} {scenario}";
        Show("");
    }

    /// <summary>A step of it begins.</summary>
    internal void Show(string step)
    {
        var line = $"{clock.GetElapsedTime(_start):mm\\:ss}  {_scenario}{(step.Length > 0 ? $": {step}" : "")}";
        output.Write(writesOver ? $"\r{line.PadRight(_width)}" : $"{line}\n");
        _width = line.Length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (writesOver)
            output.Write($"\r{new string(' ', _width)}\r");
    }
}
