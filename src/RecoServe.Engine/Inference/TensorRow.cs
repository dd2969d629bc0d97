namespace RecoServe.Engine.Inference;

/// <summary>One row of a request's tensors. Only equal to itself: comparing tensors would cost more than rows that are computed twice.</summary>
/// <param name="Request">The tensors.</param>
/// <param name="Index">The row.</param>
internal readonly record struct TensorRow(TensorRequest Request, int Index) : IRowInput<TensorRow>
{
    /// <inheritdoc/>
    public int Length => Request.Cells;

    /// <inheritdoc/>
    public long Bytes => Request.Bytes;

    /// <inheritdoc/>
    public bool Joins(TensorRow other) => Request.Joins(other.Request);
}
