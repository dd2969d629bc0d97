using System.Runtime.InteropServices;
using RecoServe.Trainer.Evaluation;
using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace RecoServe.Trainer.Models;

/// <summary>Scores with a network as it is now: without dropout, in libtorch. Not for two threads at once.</summary>
/// <param name="network">The network.</param>
/// <param name="maxHistory">Newest watches that it reads.</param>
internal sealed class NetworkScorer(NextWatchNetwork network, int maxHistory) : IItemScorer
{
    private const long MaxCells = 16 << 20;

    /// <inheritdoc/>
    public int MaxBatch { get; } = (int)Math.Clamp(MaxCells / (network.Shape.ItemCount + 1L), 1, 256);

    /// <inheritdoc/>
    public void Score(ReadOnlySpan<Question> questions, Span<double> scores)
    {
        using var scope = NewDisposeScope();
        TensorPrimitives.ConvertTruncating(Floats(Logits(questions).cpu()), scores);
    }

    /// <summary>float32 [questions, N + 1].</summary>
    public Tensor Logits(ReadOnlySpan<Question> questions)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        network.eval();
        var fields = network.Shape.ContextSizes.Count;
        var (shape, watched) = (network.Shape, (Tensor?)null);
        var batch = new HistoryBatch(questions, maxHistory, fields, shape.TimeGaps, shape.HistoryContext);
        if (shape.HistoryContext)
            watched = tensor(batch.HistoryContext, batch.Rows, batch.Length, fields);
        var steps = network.Read(tensor(batch.Items, batch.Rows, batch.Length), tensor(batch.Gaps, batch.Rows, batch.Length), watched).flatten(0, 1);
        var last = batch.Lengths.Select((length, row) => ((long)row * batch.Length) + length - 1).ToArray();
        var states = network.Fuse(steps.index_select(0, tensor(last)), tensor(batch.Context, batch.Rows, fields));
        return network.Score(states).MoveToOuterDisposeScope();
    }

    /// <summary>The cells of a contiguous float32 tensor on the CPU; valid as long as the tensor lives.</summary>
    internal static ReadOnlySpan<float> Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);
}
