namespace RecoServe.LoadTest;

/// <summary>What several measurements say together.</summary>
internal static class Statistics
{
    /// <summary>The middle one; of two middle ones the upper.</summary>
    internal static double Median(this IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);

    /// <summary>The value below which a percentage of them lies; NaN of none.</summary>
    internal static double Percentile(this IEnumerable<double> values, double percentile)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : sorted[(int)Math.Clamp(Math.Ceiling(percentile / 100 * sorted.Length) - 1, 0, sorted.Length - 1)];
    }
}
