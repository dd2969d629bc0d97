using BenchmarkDotNet.Parameters;
using BenchmarkDotNet.Reports;

namespace RecoServe.Benchmarks;

/// <summary>
/// The methods of one benchmark with the same parameters, measured one after the other in every round: what may be compared.
/// </summary>
internal sealed class MeasuredCase
{
    private readonly ParameterInstances _parameters;
    private readonly Dictionary<string, double[]> _microseconds; // a median for every round

    private MeasuredCase(IEnumerable<BenchmarkReport> reports)
    {
        _parameters = reports.First().BenchmarkCase.Parameters;
        _microseconds = reports.GroupBy(r => r.BenchmarkCase.Descriptor.WorkloadMethod.Name)
            .ToDictionary(g => g.Key, g => g.Select(r => r.ResultStatistics!.Median / 1000).ToArray());
    }

    /// <summary>The cases of a benchmark.</summary>
    /// <param name="summaries">Of all rounds, in their order.</param>
    internal static IReadOnlyList<MeasuredCase> Of<TBenchmark>(IEnumerable<Summary> summaries) =>
    [
        .. summaries.SelectMany(s => s.Reports)
            .Where(r => r.BenchmarkCase.Descriptor.Type == typeof(TBenchmark))
            .GroupBy(r => r.BenchmarkCase.Parameters.DisplayInfo).Select(g => new MeasuredCase(g)),
    ];

    /// <summary>The value of a parameter.</summary>
    internal T Parameter<T>(string name) => (T)_parameters[name];

    /// <summary>The time of a method, the median of the rounds.</summary>
    internal double Microseconds(string method) => Median(_microseconds[method]);

    /// <summary>How many times as long as another method one takes: the median of the rounds' ratios, so that a disturbance of one round does not count.</summary>
    internal double Ratio(string method, string other) => Median(_microseconds[method].Zip(_microseconds[other], (m, o) => m / o));

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);
}
