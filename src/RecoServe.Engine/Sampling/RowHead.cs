using System.Numerics;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// The heaviest items of a row, estimated from the largest logits of a sample's sixteen lanes. The sample very likely does not
/// have the heaviest: their logits are taken to lie above a threshold as those in the sample do, by the exponential distribution
/// (Hill 1975), so that weights fall by a power of the rank. Masses are in units of the sample.
/// </summary>
internal ref struct RowHead
{
    private const double Lanes = 16;
    private const int HeadLanes = 12;

    private readonly ReadOnlySpan<float> _maxima;
    private readonly double _rate;
    private Softmax _softmax;
    private double _power;

    /// <summary>The head by logits alone.</summary>
    /// <param name="maxima">The largest logit of each lane.</param>
    /// <param name="rate">The share of the row that is in the sample.</param>
    /// <param name="memory">As long as <paramref name="maxima"/>.</param>
    public RowHead(Vector512<float> maxima, double rate, Span<float> memory)
    {
        // By counting: a sort would be foretold badly.
        for (var lane = 0; lane < Vector512<float>.Count; lane++)
        {
            var maximum = Vector512.Create(maxima[lane]);
            var ties = Vector512.Equals(maxima, maximum).ExtractMostSignificantBits() & ((1u << lane) - 1);
            var rank = BitOperations.PopCount(Vector512.LessThan(maxima, maximum).ExtractMostSignificantBits()) + BitOperations.PopCount(ties);
            memory[rank] = maximum.ToScalar();
        }

        _maxima = memory;
        _rate = rate;
    }

    /// <summary>A threshold that about twenty items of the sample reach: the heaviest of the row do.</summary>
    public readonly float Threshold => MaximumOf(HeadLanes);

    /// <summary>Thresholds above that, descending, which about five, eight, eleven and sixteen items of the sample reach.</summary>
    public readonly Four<float> Higher
    {
        get
        {
            var thresholds = default(Four<float>);
            for (var t = 0; t < 4; t++)
                thresholds[t] = MaximumOf(4 + (2 * t));
            return thresholds;
        }
    }

    /// <summary>The mass expected at or above <see cref="Threshold"/>. After <see cref="Fit"/>, as what follows.</summary>
    public readonly double Mass => _rate * _softmax.Weight(Threshold) * SumOfPowers(_power, ItemsOf(HeadLanes) / _rate);

    /// <summary>Takes the power by which weights fall.</summary>
    /// <param name="softmax">The weights.</param>
    /// <param name="power">The mean of the sample's logits above <see cref="Threshold"/>, from there, in units of the temperature.</param>
    public void Fit(in Softmax softmax, double power) => (_softmax, _power) = (softmax, power);

    /// <summary>The sum of the squared weights expected at or above <see cref="Threshold"/>.</summary>
    /// <param name="items">Items of the sample there.</param>
    public readonly double Square(int items)
    {
        var weight = _softmax.Weight(Threshold);
        return _rate * weight * weight * SumOfPowers(2 * _power, items / _rate);
    }

    /// <summary>A threshold that about so many items of the sample reach; false if they are more than the head has.</summary>
    public readonly bool TryReach(double items, out float threshold)
    {
        var lanes = 1;
        while (lanes < HeadLanes && ItemsOf(lanes) < items)
            lanes++;
        threshold = MaximumOf(lanes);
        return ItemsOf(lanes) >= items;
    }

    /// <summary>Σ (n / r)^power over the ranks r = 1…n.</summary>
    private static double SumOfPowers(double power, double n) =>
        Math.Pow(n, power) * (1 + (Math.Abs(power - 1) < 1e-6 ? Math.Log(n) : (Math.Pow(n, 1 - power) - 1) / (1 - power)));

    /// <summary>Items of the sample expected at or above <see cref="MaximumOf"/>: of r items, e^(−r/16) of the lanes have none.</summary>
    private static double ItemsOf(int lanes) => -Lanes * Math.Log(1 - (lanes / Lanes));

    /// <summary>The largest logits of so many lanes are at or above this.</summary>
    private readonly float MaximumOf(int lanes) => Math.Max(float.MinValue, _maxima[^lanes]);
}
