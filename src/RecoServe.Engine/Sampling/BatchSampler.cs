namespace RecoServe.Engine.Sampling;

/// <summary>
/// Samples the slates of many rows on several threads: the caller's, and some of the thread pool. A slate is the same as alone,
/// wherever in a batch its row stands and however many threads there are.
/// </summary>
public static class BatchSampler
{
    /// <summary>Samples a slate from each row; returns when all are done. A row that fails takes nothing from the others.</summary>
    /// <param name="rows">The rows. What they refer to must not change meanwhile.</param>
    /// <param name="outcomes">Receives the outcome of each row, in their order.</param>
    /// <param name="degreeOfParallelism">The most threads to use, the caller's included; 1 or more.</param>
    /// <remarks>
    /// Each thread takes a row whenever it is free. The caller waits for rows that others have taken, never for a thread to
    /// begin: if the pool has none to spare, it samples all rows itself. A batch allocates two small objects, a row none.
    /// </remarks>
    /// <exception cref="ArgumentException">There are fewer outcomes than rows.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The degree of parallelism is below 1.</exception>
    public static void Sample(ReadOnlyMemory<BatchRow> rows, Memory<RowOutcome> outcomes, int degreeOfParallelism)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(degreeOfParallelism, 1);
        if (outcomes.Length < rows.Length)
            throw new ArgumentException($"{outcomes.Length} outcomes cannot hold those of {rows.Length} rows", nameof(outcomes));
        var batch = new RowBatch(rows, outcomes);
        for (var helper = 1; helper < Math.Min(degreeOfParallelism, rows.Length); helper++)
            ThreadPool.UnsafeQueueUserWorkItem(batch, preferLocal: false);
        batch.Execute();
        batch.WaitForAll();
    }
}
