using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// A sum in sixteen lanes, in which eight weights at most are added in single precision, in pairs: a longer sum of equal weights
/// would be off by the same error again and again, and pairs of equal weights add up without any.
/// </summary>
internal struct LaneSum
{
    private Vector512<float> _half;
    private Vector512<double> _sum;

    /// <summary>The sum.</summary>
    public readonly double Value
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Fold(_sum + Widen(_half));
    }

    /// <summary>Adds the weights of one step, four to a lane.</summary>
    /// <param name="step">They are in pairs already.</param>
    /// <param name="index">Where the step begins: a multiple of <see cref="RowPasses.Step"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(Vector512<float> step, nuint index)
    {
        if ((index & RowPasses.Step) == 0)
        {
            _half = step;
        }
        else
        {
            _sum += Widen(_half + step);
            _half = default;
        }
    }

    /// <summary>Sixteen values in double precision, of which those eight lanes apart are added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Widen(Vector512<float> lanes)
    {
        var (low, high) = Vector512.Widen(lanes);
        return low + high;
    }

    /// <summary>The sum of the lanes, in a fixed order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Fold(Vector512<double> lanes)
    {
        var four = lanes.GetLower() + lanes.GetUpper();
        var two = four.GetLower() + four.GetUpper();
        return two[0] + two[1];
    }
}
