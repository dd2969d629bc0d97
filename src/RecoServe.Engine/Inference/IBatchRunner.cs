namespace RecoServe.Engine.Inference;

/// <summary>Computes batches, one at a time.</summary>
internal interface IBatchRunner<TInput, TOutput>
    where TInput : struct, IRowInput<TInput>
    where TOutput : BatchMemory
{
    /// <summary>Most rows of one run.</summary>
    int MaxBatchSize { get; }

    /// <summary>Takes the memory of one batch, held once; waits while all of it is still being read.</summary>
    TOutput Reserve();

    /// <summary>The same without waiting; null if all of it is being read.</summary>
    TOutput? TryReserve();

    /// <summary>
    /// Runs one batch. The output's states of all rows, and its logits of the first <paramref name="logitRows"/>, are valid
    /// until it is released.
    /// </summary>
    /// <param name="output">From <see cref="Reserve"/>; stays the caller's, also if the run fails.</param>
    /// <param name="rows">1…<see cref="MaxBatchSize"/> rows; those that want logits come first.</param>
    /// <param name="logitRows">How many want logits, 0…rows.</param>
    /// <param name="clock">Measures the two phases.</param>
    /// <exception cref="Exception">The run failed; the runner stays usable.</exception>
    BatchRun Run(TOutput output, ReadOnlySpan<TInput> rows, int logitRows, TimeProvider clock);
}
