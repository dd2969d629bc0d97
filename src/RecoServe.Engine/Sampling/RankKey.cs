using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// The order "most probable first, ties by lower index" as the ascending order of a number: the logit's bits, descending,
/// above the item's index. All keys of a row are distinct. Logits are compared, not weights: weights underflow.
/// </summary>
internal static class RankKey
{
    /// <summary>The key of an item.</summary>
    public static ulong Of(float logit, int item) => ((ulong)Descending(logit) << 32) | (uint)item;

    /// <summary>The item of a key.</summary>
    public static int ItemOf(ulong key) => (int)(uint)key;

    /// <summary>The logit of a key; +0 for −0.</summary>
    public static float LogitOf(ulong key) => BitConverter.UInt32BitsToSingle(Turn((uint)(key >> 32)));

    /// <summary>A number that is smaller the larger the logit is, and the same for equal logits. Not for NaN.</summary>
    public static uint Descending(float logit) => Turn(BitConverter.SingleToUInt32Bits(logit + 0f)); // −0 + 0 = +0: the zeros are one logit

    /// <summary>Which of sixteen items belong to the prefix that ends with a logit and, of its ties, an item.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> IsInPrefix(
        Vector512<float> logits, Vector512<int> items, Vector512<float> edge, Vector512<int> lastTie) =>
        Vector512.GreaterThan(logits, edge) | (Vector512.Equals(logits, edge) & Vector512.LessThanOrEqual(items, lastTie).AsSingle());

    // Negative: as it is; else all but the sign turned. Its own inverse.
    private static uint Turn(uint bits) => bits ^ (~(uint)((int)bits >> 31) & 0x7FFF_FFFF);
}
