using RecoServe.Engine.Packages;
using RecoServe.LoadGenerator;
using RecoServe.LoadGenerator.Loops;

namespace RecoServe.Server.Tuning;

/// <summary>
/// Servers of the candidates, each a process, started and warmed up when it is first asked. As many stay as fit half of the
/// memory: past that, the one that was asked longest ago makes room.
/// </summary>
internal sealed class CandidateServers(TuneOptions options, ModelPackage package, TimeProvider clock) : IAsyncDisposable
{
    private const int Connections = 8;
    private const int Callers = 64;

    /// <summary>Those that are running, the longest ago asked first.</summary>
    private readonly List<(Candidate Candidate, Target Target)> _running = [];

    private readonly MadeRequest[] _requests = MadeRequest.Make(package, options.Seed);
    private int _seed = options.Seed;

    /// <summary>Answers a second in a closed loop.</summary>
    internal async Task<double> PeakAsync(Candidate candidate) => (await (await TargetAsync(candidate)).ClosedAsync(options.Duration)).Goodput;

    /// <summary>The p99 at a rate of Poisson arrivals, from when each call was meant to start; infinite if more than 1 % failed.</summary>
    internal async Task<TimeSpan> TailAsync(Candidate candidate, double rate)
    {
        var target = await TargetAsync(candidate);
        var duration = TimeSpan.FromSeconds(Math.Max(options.Duration.TotalSeconds, options.LeastCalls / rate));
        var result = await target.OpenAsync(ArrivalSchedule.Poisson(rate, duration, _seed++));
        return double.IsInfinity(result.Tail) ? TimeSpan.MaxValue : TimeSpan.FromMicroseconds(result.Tail);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, target) in _running)
            await target.DisposeAsync();
        _running.Clear();
    }

    private async Task<Target> TargetAsync(Candidate candidate)
    {
        var index = _running.FindIndex(r => r.Candidate == candidate);
        var target = index < 0 ? await StartAsync(candidate) : _running[index].Target;
        if (index >= 0)
            _running.RemoveAt(index);
        _running.Add((candidate, target));
        return target;
    }

    private async Task<Target> StartAsync(Candidate candidate)
    {
        if (_running.Count > 0 && _running.Sum(r => r.Target.Process.ResidentBytes) + _running.Max(r => r.Target.Process.ResidentBytes)
            > GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2)
        {
            await _running[0].Target.DisposeAsync();
            _running.RemoveAt(0);
        }

        string[] arguments =
        [
            .. options.Program.Skip(1), "--models", options.Models, "--port", "0", "--http-port", "0",
            "--Logging:LogLevel:Default", "Warning", .. options.Settings, .. candidate.Switches,
        ];
        var target = await Target.ConnectAsync(await TargetProcess.StartAsync(options.Program[0], arguments, clock), _requests, Connections, Callers, clock);
        await target.ClosedAsync(options.WarmUp);
        return target;
    }
}
