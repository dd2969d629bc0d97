namespace RecoServe.Benchmarks.Sampling;

/// <summary>The kinds of rows that goals are set for, by what makes a nucleus hard to find in them.</summary>
internal static class RowKinds
{
    /// <summary>The nucleus is most of the catalogue.</summary>
    internal static readonly string[] Flat = ["gauss1", "uniform"];

    /// <summary>A few percent of the items have most of the mass, and the nucleus ends in the tail.</summary>
    internal static readonly string[] Heavy = ["zipf1.1", "gauss3", "mixture"];

    /// <summary>A handful of items has nearly all the mass.</summary>
    internal static readonly string[] Peaked = ["gauss6"];

    /// <summary>All of them; the mixture rounded to bfloat16 has ties everywhere, and spiky has five items 22 above the rest.</summary>
    public static IEnumerable<string> All => [.. Flat, .. Heavy, "mix-bf16", .. Peaked, "spiky"];
}
