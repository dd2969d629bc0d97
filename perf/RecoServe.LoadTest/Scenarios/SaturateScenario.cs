using RecoServe.Contracts.V1;
using RecoServe.LoadGenerator;
using RecoServe.LoadTest.Targets;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>
/// Processor time of the server for one call at saturation, over what nobody could do without: ONNX Runtime for one row in
/// batches of the same mean size, the sampler, and a bare gRPC server that gives the same answer. Each round measures all.
/// </summary>
internal static class SaturateScenario
{
    internal static async Task RunAsync(LoadSession session)
    {
        await session.PeakAsync();
        var served = await session.ServedAsync();
        await using var echo = await session.StartEchoAsync(await served.AnswerAsync());
        using var engine = new EngineAlone(session.Package, served.Requests, session.Options.WarmUp, session.Clock);
        var rounds = await session.RoundsAsync("CPU per call", async () =>
        {
            var batches = new BatchSizes();
            var server = await CpuPerCallAsync(served, session.Options.Duration, batches);
            var bare = await CpuPerCallAsync(echo, session.Options.Duration, new BatchSizes());
            return new CpuRound(server, engine.MeasureModel(batches.Mean, session.Options.Duration), engine.MeasureSampler(session.Options.Duration / 2), bare, batches.Mean);
        });
        session.Findings.Add(ServingGoals.Cpu, rounds.Select(r => r.Ratio).Median());
        var middle = rounds.OrderBy(r => r.Ratio).ElementAt(rounds.Length / 2);
        session.Findings.Note($"CPU per call at saturation, µs: server {middle.Server:F1}; ONNX Runtime {middle.Model:F1} (mean batch {middle.MeanBatch:F1}), sampler {middle.Sampler:F1}, gRPC echo {middle.Echo:F1}");
    }

    private static async Task<double> CpuPerCallAsync(Target target, TimeSpan duration, BatchSizes batches)
    {
        var before = target.Process.CpuTime;
        var result = await target.ClosedAsync(duration, i => target.CallAsync(i, (answer, _) => batches.Add(answer.Timings)));
        return (target.Process.CpuTime - before).TotalMicroseconds / result.Calls;
    }

    /// <param name="Server">Microseconds of the server for one call.</param>
    /// <param name="Model">Of ONNX Runtime for one row.</param>
    /// <param name="Sampler">Of the sampler for one slate.</param>
    /// <param name="Echo">Of the bare gRPC server for one call.</param>
    /// <param name="MeanBatch">The server's mean batch.</param>
    private sealed record CpuRound(double Server, double Model, double Sampler, double Echo, double MeanBatch)
    {
        internal double Ratio => Server / (Model + Sampler + Echo);
    }

    /// <summary>The mean over batches, from answers that each say how large their own was.</summary>
    private sealed class BatchSizes
    {
        private readonly Lock _gate = new();
        private long _answers;
        private double _batches;

        internal double Mean => _answers / _batches;

        internal void Add(Timings timings)
        {
            lock (_gate)
                (_answers, _batches) = (_answers + 1, _batches + (1.0 / Math.Max(1, timings.BatchSize)));
        }
    }
}
