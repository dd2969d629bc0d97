namespace RecoServe.Benchmarks;

/// <summary>The nucleus by its definition: softmax in double precision, the whole catalogue sorted, ranks taken until their mass reaches p.</summary>
internal sealed class FullSort(int items)
{
    private readonly double[] _keys = new double[items];
    private readonly int[] _items = new int[items];

    /// <summary>The size of the nucleus of a row of N + 1 logits.</summary>
    internal int NucleusSize(ReadOnlySpan<float> row, double p)
    {
        var total = Weigh(row[1..]);
        Array.Sort(_keys, _items);
        var (size, mass) = (0, 0.0);
        while (mass < p * total)
            mass -= _keys[size++];
        return size;
    }

    /// <summary>Fills the keys with −exp(logit − max), so that ascending is most probable first; returns the sum of the weights.</summary>
    private double Weigh(ReadOnlySpan<float> logits)
    {
        var max = float.NegativeInfinity;
        foreach (var logit in logits)
            max = Math.Max(max, logit);
        var total = 0.0;
        for (var i = 0; i < logits.Length; i++)
        {
            var weight = Math.Exp(logits[i] - (double)max);
            (_keys[i], _items[i]) = (-weight, i + 1);
            total += weight;
        }

        return total;
    }
}
