using BenchmarkDotNet.Loggers;

namespace RecoServe.Benchmarks;

/// <summary>Of BenchmarkDotNet's log, which has dozens of lines a case, what has gone wrong and how much is still to do.</summary>
internal sealed class ProgressLogger : ILogger
{
    private string _line = "";
    private int _cases;

    /// <inheritdoc/>
    public string Id => nameof(ProgressLogger);

    /// <inheritdoc/>
    public int Priority => 0;

    /// <inheritdoc/>
    public void Write(LogKind logKind, string text)
    {
        if (logKind == LogKind.Error)
            Console.Error.Write(text);
        else
            _line += text;
    }

    /// <inheritdoc/>
    public void WriteLine()
    {
        if (_line.StartsWith("// ** Remained", StringComparison.Ordinal) && _cases++ % 50 == 0)
            Console.WriteLine(_line);
        _line = "";
    }

    /// <inheritdoc/>
    public void WriteLine(LogKind logKind, string text)
    {
        Write(logKind, text + (logKind == LogKind.Error ? "\n" : ""));
        WriteLine();
    }

    /// <inheritdoc/>
    public void Flush()
    {
    }
}
