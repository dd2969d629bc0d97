using RecoServe.Engine.Sampling;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>The nucleus by its definition, in double precision: the oracle, which shares no code with the sampler.</summary>
internal sealed class Ranking
{
    private readonly double[] _weights;
    private readonly double _total;

    /// <summary>Ranks a row of N + 1 logits, the most probable first, ties by the lowest index.</summary>
    internal Ranking(ReadOnlySpan<float> row)
    {
        var keys = new ulong[row.Length - 1];
        for (var i = 0; i < keys.Length; i++)
            keys[i] = ((ulong)Ascending(-row[i + 1]) << 32) | (uint)(i + 1);
        Array.Sort(keys);
        _weights = new double[keys.Length];
        var max = (double)row[(int)(uint)keys[0]];
        for (var rank = 0; rank < keys.Length; rank++)
            _weights[rank] = Math.Exp(row[(int)(uint)keys[rank]] - max);
        _total = Sum(_weights.Length);
    }

    /// <summary>The nucleus of the k most probable items; k = 0: of all.</summary>
    internal ExactNucleus Nucleus(double p, int k)
    {
        var window = k == 0 ? _weights.Length : k;
        var sum = default(NeumaierSum);
        var size = 0;
        for (var mass = (p - NucleusSampler.MassTolerance) * Sum(window); size < window && (p == 1 || sum.Value < mass); size++)
            sum.Add(_weights[size]);
        return new(size, sum.Value / _total);
    }

    /// <summary>The bits of a number so that they are in its order; +0 and −0 are one.</summary>
    private static uint Ascending(float x)
    {
        var bits = BitConverter.SingleToUInt32Bits(x + 0f);
        return bits ^ ((uint)((int)bits >> 31) | 0x8000_0000);
    }

    private double Sum(int count)
    {
        var sum = default(NeumaierSum);
        for (var rank = 0; rank < count; rank++)
            sum.Add(_weights[rank]);
        return sum.Value;
    }

    /// <summary>Neumaier 1974.</summary>
    private struct NeumaierSum
    {
        private double _sum;
        private double _lost;

        public readonly double Value => _sum + _lost;

        public void Add(double term)
        {
            var sum = _sum + term;
            _lost += Math.Abs(_sum) >= Math.Abs(term) ? _sum - sum + term : term - sum + _sum;
            _sum = sum;
        }
    }
}
