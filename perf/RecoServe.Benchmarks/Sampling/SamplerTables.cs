using System.Globalization;
using Spectre.Console;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>Every measured row: median microseconds, and ratios.</summary>
internal static class SamplerTables
{
    private const string Ours = nameof(NucleusBenchmark.FindAndDraw);

    /// <summary>The sampler beside the floors.</summary>
    internal static Table Nuclei(IEnumerable<MeasuredCase> cases)
    {
        var table = Titled("The sampler beside the floors, µs", "N", "row", "p", "nucleus", "read", "exp-sum", "find", "find + 10", "÷ exp-sum");
        foreach (var c in Ordered(cases).ThenBy(c => c.Parameter<double>("TopP")))
        {
            var (items, row, p) = (c.Parameter<int>("Items"), c.Parameter<string>("Row"), c.Parameter<double>("TopP"));
            table.AddRow(
                $"{items:N0}", row, Text(p), $"{RowSet.Of(row, items).NucleusSize(p):N0}", Time(c, nameof(NucleusBenchmark.Read)),
                Time(c, nameof(NucleusBenchmark.ExpSum)), Time(c, nameof(NucleusBenchmark.Find)), Time(c, Ours), Ratio(c, Ours, nameof(NucleusBenchmark.ExpSum)));
        }

        return table;
    }

    /// <summary>The sampler beside what else one could do.</summary>
    internal static Table Peers(IEnumerable<MeasuredCase> cases)
    {
        string[] peers = [nameof(PeerBenchmark.SoftMax), nameof(PeerBenchmark.SoftMaxAndSelect), nameof(PeerBenchmark.SoftMaxAndSort)];
        var table = Titled("Peers, p = 0.9, µs and times ours", "N", "row", "find + 10", "SoftMax", "÷ ours", "+ select", "÷ ours", "+ sort", "÷ ours");
        foreach (var c in Ordered(cases))
        {
            table.AddRow(
                [$"{c.Parameter<int>("Items"):N0}", c.Parameter<string>("Row"), Time(c, Ours), .. peers.SelectMany(p => new[] { Time(c, p), Ratio(c, p, Ours) })]);
        }

        return table;
    }

    /// <summary>The cases that are made to be slow.</summary>
    internal static Table HardCases(IEnumerable<MeasuredCase> cases)
    {
        var table = Titled("Made to be slow, N = 1,000,000, µs", "case", "exp-sum", "ours", "÷ exp-sum");
        foreach (var c in cases)
            table.AddRow($"{c.Parameter<HardCase>("Case")}", Time(c, nameof(HardCaseBenchmark.ExpSum)), Time(c, Ours), Ratio(c, Ours, nameof(HardCaseBenchmark.ExpSum)));
        return table;
    }

    /// <summary>By N, and then by kind of row in the order of the groups.</summary>
    internal static IOrderedEnumerable<MeasuredCase> Ordered(IEnumerable<MeasuredCase> cases) =>
        cases.OrderBy(c => c.Parameter<int>("Items")).ThenBy(c => RowKinds.All.ToList().IndexOf(c.Parameter<string>("Row")));

    private static Table Titled(string title, params string[] headings)
    {
        var table = new Table().Border(TableBorder.Simple).Title(title);
        foreach (var heading in headings)
            table.AddColumn(new TableColumn(heading).Alignment(heading is "row" or "case" ? Justify.Left : Justify.Right));
        return table;
    }

    private static string Time(MeasuredCase c, string method) => c.Microseconds(method).ToString("N2", CultureInfo.InvariantCulture);

    private static string Ratio(MeasuredCase c, string method, string other) => c.Ratio(method, other).ToString("N2", CultureInfo.InvariantCulture);

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
