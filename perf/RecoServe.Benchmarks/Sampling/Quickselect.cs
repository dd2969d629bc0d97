using System.Numerics.Tensors;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>
/// Softmax, then no more order than the nucleus needs: quickselect by mass instead of by rank (Hoare 1961), in place, with the
/// median of three as the pivot and a three-way partition (Dijkstra 1976), so that ties end it.
/// </summary>
internal sealed class Quickselect(int items)
{
    private readonly float[] _probabilities = new float[items];

    /// <summary>The size of the nucleus of N logits.</summary>
    internal int NucleusSize(ReadOnlySpan<float> logits, double p)
    {
        TensorPrimitives.SoftMax(logits, _probabilities);
        var (start, end, mass) = (0, items, 0.0); // those before the start are in the nucleus and have this mass; those from the end on are not
        while (start < end)
        {
            var pivot = MedianOfThree(_probabilities[start], _probabilities[(start + end) / 2], _probabilities[end - 1]);
            var (greater, less, massOfGreater) = Partition(start, end, pivot);
            var massOfTies = (less - greater) * (double)pivot;
            if (mass + massOfGreater >= p)
                end = greater;
            else if (mass + massOfGreater + massOfTies >= p)
                return greater + (int)Math.Ceiling((p - mass - massOfGreater) / pivot);
            else
                (start, mass) = (less, mass + massOfGreater + massOfTies);
        }

        return start;
    }

    /// <summary>Those greater than the pivot, then its equals, then the rest; returns where the equals are, and the mass before them.</summary>
    private (int Greater, int Less, double MassOfGreater) Partition(int start, int end, float pivot)
    {
        var probabilities = _probabilities;
        var (greater, less, mass) = (start, end, 0.0);
        for (var i = start; i < less;)
        {
            var probability = probabilities[i];
            if (probability > pivot)
            {
                mass += probability;
                (probabilities[i++], probabilities[greater]) = (probabilities[greater], probability);
                greater++;
            }
            else if (probability < pivot)
            {
                less--;
                (probabilities[i], probabilities[less]) = (probabilities[less], probability);
            }
            else
            {
                i++;
            }
        }

        return (greater, less, mass);
    }

    private static float MedianOfThree(float a, float b, float c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
}
