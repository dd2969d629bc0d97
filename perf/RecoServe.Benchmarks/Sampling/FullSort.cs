using System.Numerics.Tensors;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>The usual way: softmax, the whole catalogue sorted, ranks taken until their mass reaches p.</summary>
internal sealed class FullSort(int items)
{
    private readonly float[] _probabilities = new float[items];
    private readonly int[] _items = new int[items];

    /// <summary>The size of the nucleus of N logits; its items are then the last of the sorted.</summary>
    internal int NucleusSize(ReadOnlySpan<float> logits, double p)
    {
        TensorPrimitives.SoftMax(logits, _probabilities);
        for (var i = 0; i < _items.Length; i++)
            _items[i] = i + 1;
        Array.Sort(_probabilities, _items);
        var rank = _probabilities.Length;
        for (var mass = 0.0; mass < p && rank > 0;)
            mass += _probabilities[--rank];
        return _probabilities.Length - rank;
    }
}
