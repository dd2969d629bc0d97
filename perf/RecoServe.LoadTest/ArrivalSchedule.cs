namespace RecoServe.LoadTest;

/// <summary>When each call is meant to start, drawn before the run, so that nothing the target does can change it.</summary>
internal static class ArrivalSchedule
{
    /// <summary>Poisson arrivals: independent exponential gaps with the mean 1 / rate.</summary>
    /// <param name="rate">Calls a second, above 0.</param>
    /// <param name="duration">Arrivals lie in [0, duration).</param>
    /// <param name="seed">The same seed gives the same arrivals.</param>
    /// <returns>Intended starts after the beginning of the run, ascending.</returns>
    internal static TimeSpan[] Poisson(double rate, TimeSpan duration, int seed)
    {
        var random = new Random(seed);
        var starts = new List<TimeSpan>();
        for (var at = Gap(); at < duration.TotalSeconds; at += Gap())
            starts.Add(TimeSpan.FromSeconds(at));
        return [.. starts];

        double Gap() => -Math.Log(1 - random.NextDouble()) / rate;
    }
}
