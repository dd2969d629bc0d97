using System.ComponentModel.DataAnnotations;
using Microsoft.ML.OnnxRuntime;

namespace RecoServe.Engine.Inference;

/// <summary>How ONNX Runtime runs the graphs of a version.</summary>
public sealed class RunnerOptions
{
    /// <summary>Most output blocks beside one for each run.</summary>
    internal const int MaxSpareOutputs = 3;

    /// <summary>Largest batch of one run. Larger batches cost memory: rows × catalogue × 4 bytes for each of a few output blocks.</summary>
    [Range(1, 1024, ErrorMessage = "must be a whole number from {1} to {2}")]
    public int MaxBatchSize { get; set; } = 64;

    /// <summary>Upper bound, in bytes, of one output block, and of all spare ones; lowers the batch size where the catalogue is large.</summary>
    [Range(1 << 16, int.MaxValue, ErrorMessage = "must be a whole number from {1} to {2}")]
    public int MaxBatchBytes { get; set; } = 32 << 20;

    /// <summary>Threads that compute, of all models together; 0 takes half of the cores, at least one: the rest answer requests.</summary>
    [Range(0, 256, ErrorMessage = "must be a whole number from {1} to {2}")]
    public int Threads { get; set; }

    /// <summary>
    /// Batches that may be computed at the same time, of one version and of all; 0 takes half as many as there are
    /// <see cref="Threads"/>, at least one. More of them, more throughput; fewer, and each is computed by more threads.
    /// </summary>
    [Range(0, 64, ErrorMessage = "must be a whole number from {1} to {2}")]
    public int Instances { get; set; }

    /// <summary><c>cpu</c>, or <c>cuda</c> in a build with <c>OnnxRuntimeFlavor=gpu</c>.</summary>
    [CustomValidation(typeof(RunnerOptions), nameof(CheckDevice))]
    public string Device { get; set; } = "cpu";

    /// <summary><see cref="Threads"/>, resolved.</summary>
    internal int ThreadCount => Threads > 0 ? Threads : Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary><see cref="Instances"/>, resolved: no more than there are threads.</summary>
    internal int InstanceCount => Math.Clamp(Instances > 0 ? Instances : ThreadCount / 2, 1, ThreadCount);

    /// <summary>Threads of the pool, a caller counted: the callers of the other runs compute too.</summary>
    internal int PoolSize => ThreadCount - InstanceCount + 1;

    /// <summary>Most rows of one run over a catalogue of so many items: one output block must not grow past <see cref="MaxBatchBytes"/>.</summary>
    internal int BatchSizeFor(int itemCount) => (int)Math.Clamp(MaxBatchBytes / (sizeof(float) * (itemCount + 1L)), 1, MaxBatchSize);

    /// <summary>
    /// Output blocks of a version: one for each run, one that requests read, and where blocks are small two more for slow readers. Past
    /// that, computing waits for reading.
    /// </summary>
    internal int OutputsFor(int itemCount)
    {
        var block = BatchSizeFor(itemCount) * sizeof(float) * (itemCount + 1L);
        return InstanceCount + (int)Math.Clamp(MaxBatchBytes / block, 1, MaxSpareOutputs);
    }

    /// <summary>Whether ONNX Runtime can use a device, as it was built.</summary>
    public static ValidationResult? CheckDevice(string device) => device switch
    {
        "cpu" => ValidationResult.Success,
        "cuda" when HasCuda() => ValidationResult.Success,
        "cuda" => new ValidationResult("must be cpu in this build, which is a cpu build (cuda needs a build with -p:OnnxRuntimeFlavor=gpu)"),
        _ => new ValidationResult("must be cpu or cuda"),
    };

    private static bool HasCuda()
    {
        RuntimeThreads.Create(new RunnerOptions().PoolSize);
        return OrtEnv.Instance().GetAvailableProviders().Contains("CUDAExecutionProvider");
    }
}
