using System.Diagnostics;
using System.Reflection;
using BenchmarkDotNet.Running;

namespace RecoServe.Benchmarks;

/// <summary>
/// The methods of a case in turns of some milliseconds, many times over: a clock or a neighbour that changes within seconds changes them all
/// alike, and so not their ratios. BenchmarkDotNet, whose cases and parameters these are, measures one method to its end before the next (docs/sampler-benchmark.md).
/// </summary>
internal static class TurnRun
{
    private static readonly TimeSpan Compilation = TimeSpan.FromMilliseconds(30); // of code that is called so often, at its best
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(4); // at least, and at least a cycle
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(4); // caches and predictors are another method's at first
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(4); // a case, whose methods take up to 0.6 s a turn
    private static readonly (int Fewest, int Most) Rounds = (7, 51);

    /// <summary>The cases of a benchmark, a class that is <see cref="ICyclicBenchmark"/>, each measured when it is asked for.</summary>
    internal static IEnumerable<MeasuredCase> Measure(Type benchmark) =>
        from parameters in BenchmarkConverter.TypeToBenchmarks(benchmark).BenchmarksCases.GroupBy(c => c.Parameters.DisplayInfo)
        select Measure([.. parameters]);

    private static MeasuredCase Measure(BenchmarkCase[] methods)
    {
        var (descriptor, parameters) = (methods[0].Descriptor, methods[0].Parameters);
        var benchmark = (ICyclicBenchmark)Activator.CreateInstance(descriptor.Type)!;
        foreach (var parameter in parameters.Items)
            descriptor.Type.GetProperty(parameter.Name)!.SetValue(benchmark, parameter.Value);
        descriptor.GlobalSetupMethod!.CreateDelegate<Action>(benchmark)();
        var turns = methods.Select(m => MethodTurns.Of(m.Descriptor.WorkloadMethod, benchmark)).ToArray();

        var started = Stopwatch.GetTimestamp();
        for (var round = 0; round < Rounds.Most && (round < Rounds.Fewest || Stopwatch.GetElapsedTime(started) < Most); round++)
        {
            foreach (var method in turns)
                method.TakeTurn();
        }

        return new MeasuredCase(descriptor.Type, parameters, turns.ToDictionary(t => t.Name, t => t.Microseconds.ToArray()));
    }

    private sealed class MethodTurns
    {
        private readonly Action<int> _call;
        private readonly int _calls;
        private readonly int _warmups;

        private MethodTurns(string name, Action<int> call, int cycle)
        {
            (Name, _call) = (name, call);
            for (var compiling = TimeSpan.Zero; compiling < Compilation;)
                compiling += Time(cycle);
            for (_calls = cycle; Time(_calls) < Turn;)
                _calls += cycle;
            _warmups = (int)Math.Ceiling(_calls * Math.Min(1, WarmUp / Time(_calls)));
        }

        internal string Name { get; }

        internal List<double> Microseconds { get; } = [];

        internal static MethodTurns Of(MethodInfo method, ICyclicBenchmark benchmark)
        {
            if (method.ReturnType == typeof(void))
                return new MethodTurns(method.Name, Repeat(method.CreateDelegate<Action>(benchmark)), benchmark.Cycle);
            var repeat = typeof(MethodTurns).GetMethod(nameof(RepeatFunction), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(method.ReturnType);
            return new MethodTurns(method.Name, (Action<int>)repeat.Invoke(null, [method, benchmark])!, benchmark.Cycle);
        }

        internal void TakeTurn()
        {
            Time(_warmups);
            Microseconds.Add(Time(_calls).TotalMicroseconds / _calls);
        }

        private TimeSpan Time(int calls)
        {
            var started = Stopwatch.GetTimestamp();
            _call(calls);
            return Stopwatch.GetElapsedTime(started);
        }

        private static Action<int> RepeatFunction<T>(MethodInfo method, object benchmark)
        {
            var call = method.CreateDelegate<Func<T>>(benchmark);
            return Repeat(() => call());
        }

        private static Action<int> Repeat(Action call) => times =>
        {
            for (var time = 0; time < times; time++)
                call();
        };
    }
}
