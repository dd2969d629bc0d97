using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace RecoServe.LoadGenerator;

/// <summary>A server of this program's own on free ports, seen from outside: where it listens, what it uses. It ends with this program.</summary>
internal sealed partial class TargetProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private const int LinesKept = 20;

    private readonly Process _process;
    private readonly string _program;
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly TaskCompletionSource<Uri> _grpc = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private TargetProcess(string program, IEnumerable<string> arguments)
    {
        _program = program;
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{program} could not be started");
        AppDomain.CurrentDomain.ProcessExit += Kill;
        // Both are read to their end: a full pipe would stop the server.
        _process.OutputDataReceived += (_, line) => ReadBanner(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Its number.</summary>
    internal int Id => _process.Id;

    /// <summary>Where it answers gRPC.</summary>
    internal Uri Address { get; private set; } = null!;

    /// <summary>From the start of the process until it said where it listens, which it does when it is ready.</summary>
    internal TimeSpan StartTime { get; private set; }

    /// <summary>Processor time of all its threads since it was started; the system counts in hundredths of a second.</summary>
    internal TimeSpan CpuTime => Refreshed().TotalProcessorTime;

    /// <summary>Bytes of memory that it holds now.</summary>
    internal long ResidentBytes => Refreshed().WorkingSet64;

    /// <summary>The most that it ever held.</summary>
    internal long PeakResidentBytes => Refreshed().PeakWorkingSet64;

    /// <summary>Starts a program and waits until it prints the address of its gRPC port.</summary>
    /// <exception cref="InvalidOperationException">It ended or said nothing; the message has its own words.</exception>
    internal static async Task<TargetProcess> StartAsync(string program, IEnumerable<string> arguments, TimeProvider clock)
    {
        var start = clock.GetTimestamp();
        var target = new TargetProcess(program, arguments);
        try
        {
            await Task.WhenAny(target._grpc.Task, target._process.WaitForExitAsync()).WaitAsync(Patience, clock);
            target.ThrowIfEnded();
            (target.Address, target.StartTime) = (await target._grpc.Task.WaitAsync(Patience, clock), clock.GetElapsedTime(start));
            return target;
        }
        catch
        {
            await target.DisposeAsync();
            throw;
        }
    }

    /// <exception cref="InvalidOperationException">It is not running any more; the message has its last words.</exception>
    internal void ThrowIfEnded()
    {
        if (_process.HasExited)
            throw new InvalidOperationException($"{_program} ended with code {_process.ExitCode}: {string.Join('\n', _errors)}");
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= Kill;
        Kill(null, EventArgs.Empty);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    [GeneratedRegex(@"^\s*gRPC\s+(http://\S+)$")]
    private static partial Regex GrpcLine();

    private Process Refreshed()
    {
        ThrowIfEnded();
        _process.Refresh();
        return _process;
    }

    private void ReadBanner(string? line)
    {
        if (line is not null && GrpcLine().Match(line) is { Success: true } match)
            _grpc.TrySetResult(new Uri(match.Groups[1].Value));
    }

    private void Keep(string? line)
    {
        if (line is null)
            return;
        _errors.Enqueue(line);
        while (_errors.Count > LinesKept)
            _errors.TryDequeue(out _);
    }

    private void Kill(object? sender, EventArgs e)
    {
        if (!_process.HasExited)
            _process.Kill();
    }
}
