using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Models;

/// <summary>
/// The gradient of a table of which a step uses some rows: a tensor of the table's size, or a sparse one that holds the used
/// rows alone, a row as often as it was used. Neither is released between steps, only zeroed.
/// </summary>
internal static class RowGradient
{
    /// <summary>A sparse gradient without rows.</summary>
    /// <param name="table">[rows, …].</param>
    public static Tensor Sparse(Tensor table)
    {
        using var rows = zeros(1, 0, int64);
        using var values = zeros([0, .. table.shape[1..]], table.dtype);
        return sparse_coo_tensor(rows, values, table.shape);
    }

    /// <summary>Adds values to rows; a row that comes twice gets both.</summary>
    /// <param name="gradient">Of a table [rows, …].</param>
    /// <param name="rows">int64 [n].</param>
    /// <param name="values">[n, …].</param>
    public static void Add(Tensor gradient, Tensor rows, Tensor values)
    {
        using var scope = NewDisposeScope();
        if (gradient.is_sparse)
            gradient.Increase(sparse_coo_tensor(rows.unsqueeze(0), values, gradient.shape));
        else
            gradient.scatter_add_(0, values.dim() == 1 ? rows : rows.unsqueeze(1).expand_as(values), values);
    }

    /// <summary>The rows of a sparse gradient, each once, and their sums.</summary>
    /// <returns>int64 [used], ascending, and [used, …]; null and the gradient itself if it is not sparse.</returns>
    public static (Tensor? Rows, Tensor Values) Sum(Tensor gradient)
    {
        if (!gradient.is_sparse)
            return (null, gradient);
        using var scope = NewDisposeScope();
        using var one = 1.ToScalar();
        var (rows, places, _) = gradient.SparseIndices.squeeze(0).unique(return_inverse: true);
        var values = zeros([rows.shape[0], .. gradient.shape[1..]], gradient.dtype);
        values.index_add_(0, places!, gradient.SparseValues, one);
        return (rows.MoveToOuterDisposeScope(), values.MoveToOuterDisposeScope());
    }
}
