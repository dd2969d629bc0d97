using CsCheck;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>
/// A property is checked on a few cases in every run of the tests, and by <c>make fuzz-sampler</c> on new ones for as long as
/// RECOSERVE_FUZZ_SECONDS says. A failure prints the smallest case found and the seed that makes it again.
/// </summary>
internal static class Fuzzing
{
    private static readonly int Seconds =
        int.TryParse(Environment.GetEnvironmentVariable("RECOSERVE_FUZZ_SECONDS"), out var seconds) ? seconds : -1;

    public static void Check<T>(Gen<T> cases, int iterations, ITestOutputHelper output, Action<T> check) =>
        cases.Sample(check, output.WriteLine, iter: iterations, time: Seconds, threads: 1);
}
