namespace RecoServe.LoadGenerator.Loops;

/// <summary>When each call is meant to start: independent of anything that the target does.</summary>
internal static class ArrivalSchedule
{
    /// <summary>Poisson arrivals: independent exponential gaps with the mean 1 / rate.</summary>
    /// <param name="rate">Calls a second, above 0.</param>
    /// <param name="duration">Arrivals lie in [0, duration).</param>
    /// <param name="seed">The same seed gives the same arrivals.</param>
    /// <returns>Intended starts after the beginning of the run, ascending.</returns>
    internal static TimeSpan[] Poisson(double rate, TimeSpan duration, int seed) => [.. Endless(rate, seed).TakeWhile(at => at < duration)];

    /// <summary>Poisson arrivals without end.</summary>
    internal static IEnumerable<TimeSpan> Endless(double rate, int seed)
    {
        var random = new Random(seed);
        for (var at = 0.0; ;)
        {
            at -= Math.Log(1 - random.NextDouble()) / rate;
            yield return TimeSpan.FromSeconds(at);
        }
    }

    /// <summary>Poisson arrivals at a rate that changes: those of the highest rate, thinned (Lewis and Shedler 1979).</summary>
    /// <param name="rateAt">Calls a second at a time, 0 to <paramref name="highest"/>.</param>
    /// <param name="highest">The highest rate.</param>
    /// <param name="duration">Arrivals lie in [0, duration).</param>
    /// <param name="seed">The same seed gives the same arrivals.</param>
    internal static TimeSpan[] Varying(Func<TimeSpan, double> rateAt, double highest, TimeSpan duration, int seed)
    {
        var random = new Random(~seed);
        return [.. Poisson(highest, duration, seed).Where(at => random.NextDouble() * highest < rateAt(at))];
    }
}
