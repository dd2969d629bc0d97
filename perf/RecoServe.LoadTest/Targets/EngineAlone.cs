using System.Diagnostics;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Sampling;
using RecoServe.LoadGenerator;
using RecoServe.Testing;

namespace RecoServe.LoadTest.Targets;

/// <summary>The model and the sampler in this process, on the requests that the server is asked, with the server's default options.</summary>
internal sealed class EngineAlone : IDisposable
{
    private const int Rows = 64;

    private readonly BareRunner _runner;
    private readonly EncoderInput[] _inputs;
    private readonly float[][] _logits;
    private readonly TimeProvider _clock;

    /// <param name="package">The model.</param>
    /// <param name="requests">What is asked.</param>
    /// <param name="warmUp">How long to work before anything is measured.</param>
    /// <param name="clock">Measures.</param>
    internal EngineAlone(ModelPackage package, IReadOnlyList<MadeRequest> requests, TimeSpan warmUp, TimeProvider clock)
    {
        _runner = new BareRunner(package, new RunnerOptions());
        _inputs = [.. requests.Select(r => r.Input)];
        _logits = [.. _inputs.Take(Rows).Select(_runner.Logits)];
        _clock = clock;
        CountGen2(warmUp);
    }

    /// <summary>Microseconds of processor time for one row.</summary>
    /// <param name="meanBatch">The mean size of the batches, 1 to the largest that the runner takes.</param>
    /// <param name="duration">How long to measure.</param>
    internal double MeasureModel(double meanBatch, TimeSpan duration)
    {
        var (mean, done) = (Math.Clamp(meanBatch, 1, _runner.MaxBatchSize), 0.0);
        return Measure(duration, () =>
        {
            // Sizes next to each other, so that their mean is the one asked for.
            var size = (int)(Math.Floor(done + mean) - Math.Floor(done));
            done += mean;
            RunBatch((int)((long)done % _inputs.Length), size);
            return size;
        });
    }

    /// <summary>Microseconds of processor time for one slate.</summary>
    internal double MeasureSampler(TimeSpan duration)
    {
        var seed = 0UL;
        return Measure(duration, () => Sample(seed++));
    }

    /// <summary>Gen 2 collections in batches of random size and length and a slate for each row.</summary>
    internal int CountGen2(TimeSpan duration)
    {
        var (random, seed) = (new Random(1), 0UL);
        var before = GC.CollectionCount(2);
        Measure(duration, Work);
        return GC.CollectionCount(2) - before;

        int Work()
        {
            var size = random.Next(1, _runner.MaxBatchSize + 1);
            RunBatch(random.Next(_inputs.Length), size);
            for (var i = 0; i < size; i++)
                Sample(seed++);
            return size;
        }
    }

    public void Dispose() => _runner.Dispose();

    private double Measure(TimeSpan duration, Func<int> work)
    {
        using var self = Process.GetCurrentProcess();
        var (start, before, done) = (_clock.GetTimestamp(), self.TotalProcessorTime, 0L);
        while (_clock.GetElapsedTime(start) < duration)
            done += work();
        self.Refresh();
        return (self.TotalProcessorTime - before).TotalMicroseconds / done;
    }

    private void RunBatch(int first, int size) => _runner.Run(_inputs.AsSpan(Math.Min(first, _inputs.Length - size), size));

    private int Sample(ulong seed)
    {
        Span<SlateSlot> slots = stackalloc SlateSlot[MadeRequest.SlateSize];
        NucleusSampler.Sample(_logits[(int)(seed % Rows)], mask: null, new SamplingParameters { Seed = seed }, slots);
        return 1;
    }
}
