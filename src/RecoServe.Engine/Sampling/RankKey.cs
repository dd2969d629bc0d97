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

    /// <summary>A number that is smaller the larger the logit is, and the same for equal logits. Not for NaN.</summary>
    public static uint Descending(float logit)
    {
        var bits = BitConverter.SingleToUInt32Bits(logit + 0f); // −0 + 0 = +0: the zeros are one logit
        return bits ^ (~(uint)((int)bits >> 31) & 0x7FFF_FFFF); // negative: as it is; else all but the sign turned
    }
}
