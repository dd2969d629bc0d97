using RecoServe.Contracts.V1;
using RecoServe.Engine.Packages;
using RecoServe.LoadGenerator;
using RecoServe.LoadGenerator.Loops;
using RecoServe.Testing;

namespace RecoServe.LoadTest;

/// <summary>What the scenarios of one run share: the server of the model that is asked, its peak, and what has been measured.</summary>
internal sealed class LoadSession : IAsyncDisposable
{
    private readonly RunProgress _progress;
    private readonly TemporaryDirectory _files = new();
    private Target? _served;
    private double? _peak;

    internal LoadSession(LoadOptions options, TimeProvider clock, RunProgress progress)
    {
        (Options, Clock, _progress) = (options, clock, progress);
        Package = NewestModel.Open(options.Models);
    }

    internal LoadOptions Options { get; }

    internal TimeProvider Clock { get; }

    /// <summary>The model that is asked.</summary>
    internal ModelPackage Package { get; }

    /// <summary>What has been measured so far.</summary>
    internal Findings Findings { get; } = new();

    /// <summary>Says what is being done.</summary>
    internal void Show(string step) => _progress.Show(step);

    /// <summary>Does something as often as a figure is to be measured.</summary>
    internal async Task<T[]> RoundsAsync<T>(string what, Func<Task<T>> round)
    {
        var results = new T[Options.Rounds];
        for (var r = 0; r < results.Length; r++)
        {
            Show($"{what}, round {r + 1} of {results.Length}");
            results[r] = await round();
        }

        return results;
    }

    /// <summary>The server of the model that is asked, warmed up; one for all scenarios.</summary>
    internal async Task<Target> ServedAsync() => _served ??= await StartWarmAsync(Options.Models, MadeRequest.Make(Package, Options.Seed));

    /// <summary>The peak of that server; measured once.</summary>
    internal async Task<double> PeakAsync() => _peak ??= await PeakAsync(await ServedAsync(), "saturate (closed loop)");

    /// <summary>Answers a second of a server at saturation. The best round: what else happens on the machine makes it lower, never higher.</summary>
    /// <param name="target">The server.</param>
    /// <param name="name">What the load is called.</param>
    internal async Task<double> PeakAsync(Target target, string name)
    {
        var rounds = await RoundsAsync("peak", () => target.ClosedAsync(Options.Duration));
        Findings.Add(name, null, rounds);
        return rounds.Max(r => r.Goodput);
    }

    /// <summary>Starts a server; whoever asks for it disposes it.</summary>
    /// <param name="repository">Its models.</param>
    /// <param name="requests">What it will be asked.</param>
    /// <param name="settings">Further switches.</param>
    internal async Task<Target> StartAsync(string repository, IReadOnlyList<MadeRequest> requests, params string[] settings)
    {
        string[] arguments = ["--models", repository, "--port", "0", "--http-port", "0", "--Logging:LogLevel:Default", "Warning", .. settings];
        return await Target.ConnectAsync(await TargetProcess.StartAsync(Options.Server, arguments, Clock), requests, Options.Connections, Options.Callers, Clock);
    }

    /// <summary>Starts a server and loads it until it is as fast as it gets.</summary>
    internal async Task<Target> StartWarmAsync(string repository, IReadOnlyList<MadeRequest> requests, params string[] settings)
    {
        Show("start and warm up");
        var target = await StartAsync(repository, requests, settings);
        await WarmUpAsync(target);
        return target;
    }

    /// <summary>Starts a bare gRPC server that answers every request with the given answer, and warms it up.</summary>
    internal async Task<Target> StartEchoAsync(RecommendResponse answer)
    {
        Show("start and warm up the echo");
        var file = _files.File("answer.bin");
        await File.WriteAllBytesAsync(file, Google.Protobuf.MessageExtensions.ToByteArray(answer));
        var requests = MadeRequest.Make(Package, Options.Seed).Select(r => r with { Items = answer.Items.Count }).ToArray();
        var echo = await Target.ConnectAsync(await TargetProcess.StartAsync(Options.Echo, [file], Clock), requests, Options.Connections, Options.Callers, Clock);
        await WarmUpAsync(echo);
        return echo;
    }

    /// <summary>Notices that a server has ended in the meantime.</summary>
    internal void ThrowIfServedEnded() => _served?.Process.ThrowIfEnded();

    public async ValueTask DisposeAsync()
    {
        if (_served is not null)
            await _served.DisposeAsync();
        _files.Dispose();
    }

    // The server's JIT improves its code in the background: the first seconds under load are several times slower.
    private Task<LoadResult> WarmUpAsync(Target target) => target.ClosedAsync(Options.WarmUp);
}
