using System.ComponentModel.DataAnnotations;

namespace RecoServe.Engine.Inference;

/// <summary>How ONNX Runtime runs the graphs of a version.</summary>
public sealed class RunnerOptions
{
    /// <summary>Largest batch of one run. Larger batches cost memory: rows × catalogue × 4 bytes for each of a few output blocks.</summary>
    [Range(1, 1024)]
    public int MaxBatchSize { get; set; } = 64;

    /// <summary>Upper bound, in bytes, of one output block; lowers the batch size where the catalogue is large.</summary>
    [Range(1 << 16, int.MaxValue)]
    public int MaxBatchBytes { get; set; } = 64 << 20;

    /// <summary>Threads of one native run; 0 takes half of the cores, at least one: the rest answer requests.</summary>
    [Range(0, 256)]
    public int IntraOpThreads { get; set; }

    /// <summary><c>cpu</c>, or <c>cuda</c> in a build with <c>OnnxRuntimeFlavor=gpu</c>.</summary>
    [RegularExpression("cpu|cuda", ErrorMessage = "Device must be cpu or cuda")]
    public string Device { get; set; } = "cpu";
}
