using BenchmarkDotNet.Parameters;
using BenchmarkDotNet.Reports;

namespace RecoServe.Benchmarks;

/// <summary>The methods of one benchmark with the same parameters: what may be compared.</summary>
/// <param name="benchmark">The class.</param>
/// <param name="parameters">Those of the case.</param>
/// <param name="microseconds">Times of one call by method; those of a round have the same index.</param>
internal sealed class MeasuredCase(Type benchmark, ParameterInstances parameters, IReadOnlyDictionary<string, double[]> microseconds)
{
    /// <summary>The class.</summary>
    internal Type Benchmark { get; } = benchmark;

    /// <summary>The methods that were measured.</summary>
    internal IEnumerable<string> Methods { get; } = microseconds.Keys;

    /// <summary>The cases that BenchmarkDotNet has measured, in one round each.</summary>
    internal static IEnumerable<MeasuredCase> Of(IEnumerable<Summary> summaries) =>
        from report in summaries.SelectMany(s => s.Reports)
        where report.ResultStatistics is not null
        let measured = report.BenchmarkCase
        group report by (measured.Descriptor.Type, measured.Parameters.DisplayInfo) into methods
        select new MeasuredCase(
            methods.Key.Type, methods.First().BenchmarkCase.Parameters,
            methods.ToDictionary(m => m.BenchmarkCase.Descriptor.WorkloadMethod.Name, m => new[] { m.ResultStatistics!.Median / 1000 }));

    /// <summary>The value of a parameter.</summary>
    internal T Parameter<T>(string name) => (T)parameters[name];

    /// <summary>What a method of the case is called in a file: the parameters and its name.</summary>
    internal string NameOf(string method) => string.Join('/', [.. parameters.Items.Select(p => $"{p.Value}"), method]);

    /// <summary>The time of a method, the median of the rounds.</summary>
    internal double Microseconds(string method) => Median(microseconds[method]);

    /// <summary>How many times as long as another method one takes: the median of the rounds' ratios, so that a disturbance of one round does not count.</summary>
    internal double Ratio(string method, string other) => Median(microseconds[method].Zip(microseconds[other], (m, o) => m / o));

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);
}
