using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>
/// The passes in plain C#, one logit at a time and in the same order of additions: the oracle of <see cref="RowPasses"/>, to
/// the last bit.
/// </summary>
internal static class ScalarPasses
{
    private const int Lanes = 16;

    public static float Weight(float logit, float reference, double temperature)
    {
        var exactScale = Math.Log2(Math.E) / temperature;
        var power = Math.Round(reference * Math.Log2(Math.E) / temperature);
        var scale = (float)exactScale;
        var scaleError = (float)(exactScale - scale);
        var shift = (float)(786432 - power);
        var least = (float)((power - 125) / exactScale);
        logit = least > logit ? least : logit;
        var shifted = MathF.FusedMultiplyAdd(logit, scale, shift);
        var rest = MathF.FusedMultiplyAdd(logit, scaleError, MathF.FusedMultiplyAdd(logit, scale, shift - shifted));

        var bits = BitConverter.SingleToInt32Bits(shifted);
        var exactRoot = Math.Pow(2, (bits & 15) / 16.0);
        var root = (float)exactRoot;
        var result = 0.05550595f;
        foreach (var coefficient in new[] { 0.24023429f, 0.6931472f, (float)((exactRoot / root) - 1) })
            result = MathF.FusedMultiplyAdd(result, rest, coefficient);
        root = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(root) + (bits << 9 >> 13 << 23)); // 2^(the bits above the sixteenths)
        return MathF.FusedMultiplyAdd(root, result, root);
    }

    /// <summary>The weights of all, of those at or above a threshold, and of the rest.</summary>
    public static (double Total, double Above, double Below) Sum(ReadOnlySpan<float> logits, float reference, double temperature, float threshold)
    {
        // Sixteen lanes, each of which adds the values of eight vectors before it goes on in double; lane i and i + 8 share a sum.
        var total = new double[Lanes / 2];
        var above = new double[Lanes / 2];
        var below = new double[Lanes / 2];
        var (totals, aboves, belows) = (new float[Lanes], new float[Lanes], new float[Lanes]);
        for (var i = 0; i < logits.Length; i += 4 * Lanes)
        {
            for (var lane = 0; lane < Lanes; lane++)
            {
                var (w, aboveW, belowW) = (new float[4], new float[4], new float[4]);
                for (var v = 0; v < 4; v++)
                {
                    var logit = logits[i + (v * Lanes) + lane];
                    w[v] = Weight(logit, reference, temperature);
                    aboveW[v] = logit >= threshold ? w[v] : 0;
                    belowW[v] = logit >= threshold ? 0 : w[v];
                }

                totals[lane] += (w[0] + w[1]) + (w[2] + w[3]);
                aboves[lane] += (aboveW[0] + aboveW[1]) + (aboveW[2] + aboveW[3]);
                belows[lane] += (belowW[0] + belowW[1]) + (belowW[2] + belowW[3]);
            }

            if (i / (4 * Lanes) % 2 == 1)
                Flush();
        }

        Flush();
        return (Fold(total), Fold(above), Fold(below));

        void Flush()
        {
            for (var lane = 0; lane < Lanes / 2; lane++)
            {
                total[lane] += totals[lane] + (double)totals[lane + (Lanes / 2)];
                above[lane] += aboves[lane] + (double)aboves[lane + (Lanes / 2)];
                below[lane] += belows[lane] + (double)belows[lane + (Lanes / 2)];
            }

            (totals, aboves, belows) = (new float[Lanes], new float[Lanes], new float[Lanes]);
        }
    }

    private static double Fold(double[] x) => (x[0] + x[4] + (x[2] + x[6])) + (x[1] + x[5] + (x[3] + x[7]));
}
