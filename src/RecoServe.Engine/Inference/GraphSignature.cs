namespace RecoServe.Engine.Inference;

/// <summary>What a version reads and computes.</summary>
/// <param name="Inputs">Its inputs.</param>
/// <param name="Outputs">Its outputs.</param>
/// <param name="MaxBatchSize">Most rows of a run; 0: tensors do not lead with rows, and requests are computed whole, one by one.</param>
/// <param name="MaxQueueDelay">How long a batch may wait for more rows.</param>
/// <param name="Instances">Runs that there may be at the same time.</param>
public sealed record GraphSignature(
    IReadOnlyList<TensorSpec> Inputs, IReadOnlyList<TensorSpec> Outputs, int MaxBatchSize, TimeSpan MaxQueueDelay, int Instances)
{
    /// <summary>Whether all tensors lead with a batch dimension.</summary>
    public bool IsBatched => MaxBatchSize > 0;
}
