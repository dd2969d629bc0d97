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
        var scale = (float)exactScale;
        var scaleError = (float)(exactScale - scale);
        var distance = logit - reference;
        distance = -125 / scale > distance ? -125 / scale : distance;
        var whole = MathF.Floor(distance * scale);
        var fraction = MathF.FusedMultiplyAdd(distance, scaleError, MathF.FusedMultiplyAdd(distance, scale, -whole));
        var power = 0.000216129149f;
        foreach (var coefficient in new[] { 0.0012467847f, 0.00967545155f, 0.0554852821f, 0.240229309f, 0.693147063f, 1f })
            power = MathF.FusedMultiplyAdd(power, fraction, coefficient);
        return power * MathF.ScaleB(1, (int)whole);
    }

    /// <summary>The weights of all, and of those at or above a threshold.</summary>
    public static (double Total, double Above) Sum(ReadOnlySpan<float> logits, float reference, double temperature, float threshold)
    {
        // Sixteen lanes, each of which adds the values of four vectors before it goes on in double; lane i and i + 8 share a sum.
        var total = new double[Lanes / 2];
        var above = new double[Lanes / 2];
        for (var i = 0; i < logits.Length; i += 4 * Lanes)
        {
            var (totals, aboves) = (new float[Lanes], new float[Lanes]);
            for (var lane = 0; lane < Lanes; lane++)
            {
                var w = new float[4];
                for (var v = 0; v < 4; v++)
                {
                    var logit = logits[i + (v * Lanes) + lane];
                    w[v] = Weight(logit, reference, temperature);
                    if (logit >= threshold)
                        aboves[lane] += w[v];
                }

                totals[lane] = (w[0] + w[1]) + (w[2] + w[3]);
            }

            for (var lane = 0; lane < Lanes / 2; lane++)
            {
                total[lane] += totals[lane] + (double)totals[lane + (Lanes / 2)];
                above[lane] += aboves[lane] + (double)aboves[lane + (Lanes / 2)];
            }
        }

        return (Fold(total), Fold(above));
    }

    private static double Fold(double[] x) => (x[0] + x[4] + (x[2] + x[6])) + (x[1] + x[5] + (x[3] + x[7]));
}
