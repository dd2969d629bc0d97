using RecoServe.Engine.Sampling;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>The nuclei of all rows that goals are set for against double precision throughout.</summary>
/// <param name="Cases">How many were compared.</param>
/// <param name="Identical">The part of them with the very same items.</param>
/// <param name="ItemsOff">The most items by which one differs.</param>
/// <param name="MassError">The largest error of a mass.</param>
internal sealed record Exactness(int Cases, double Identical, int ItemsOff, double MassError)
{
    /// <summary>Compares; takes about half a minute, nearly all of which makes and sorts the rows.</summary>
    internal static Exactness Measure()
    {
        var compared = new List<(int ItemsOff, double MassError)>();
        foreach (var kind in RowKinds.All)
        {
            foreach (var items in RowSet.Sizes)
                compared.AddRange(Compare(RowSet.Of(kind, items)));
        }

        return new(
            compared.Count, compared.Count(c => c.ItemsOff == 0) / (double)compared.Count, compared.Max(c => c.ItemsOff),
            compared.Where(c => c.ItemsOff == 0).Max(c => c.MassError));
    }

    private static IEnumerable<(int ItemsOff, double MassError)> Compare(RowSet rows) =>
        from row in Enumerable.Range(0, rows.Rows.Count)
        from asked in RowSet.Asked
        where asked.TopP <= 0.999
        let parameters = new SamplingParameters { TopP = asked.TopP, TopK = asked.TopK }
        let slate = NucleusSampler.Sample(rows.Rows[row], mask: null, parameters, [])
        let exact = rows.Nucleus(row, asked.TopP, asked.TopK)
        select (Math.Abs(slate.NucleusSize - exact.Size), Math.Abs(slate.NucleusMass - exact.Mass));
}
