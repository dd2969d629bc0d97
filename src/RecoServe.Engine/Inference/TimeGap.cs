using System.Numerics;

namespace RecoServe.Engine.Inference;

/// <summary>
/// How long after the watch before it a watch was, as the encoder reads it: code 0 is unknown, code 1 + ⌊log2(1 + seconds)⌋ a
/// time, the last code everything longer than some 34 years.
/// </summary>
public static class TimeGap
{
    /// <summary>Number of codes, unknown included.</summary>
    public const int CodeCount = 32;

    /// <summary>The codes of a history, as far as it is read: what came before its first watch is unknown.</summary>
    /// <param name="times">When the watches were, milliseconds since 1970 UTC, oldest first; null where it is not known.</param>
    /// <returns>A code a watch. A watch that is earlier than the one before it counts as at the same time.</returns>
    public static int[] CodesOf(IReadOnlyList<long?> times)
    {
        var codes = new int[times.Count];
        for (var i = 1; i < codes.Length; i++)
            codes[i] = CodeOf(times[i] - times[i - 1]);
        return codes;
    }

    private static int CodeOf(long? milliseconds) => milliseconds is not { } gap
        ? 0
        : Math.Min(CodeCount - 1, 1 + BitOperations.Log2(1 + ((ulong)Math.Max(0, gap) / 1000)));
}
