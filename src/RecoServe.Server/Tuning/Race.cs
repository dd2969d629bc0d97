namespace RecoServe.Server.Tuning;

/// <summary>
/// Finds who holds the highest rate within the latency goal: all run at a rate that rises until nobody holds it, and whoever
/// misses the goal is out; then the last two rates are brought together. A rate is asked of all that are left before the next is,
/// so that a slow minute of the machine is everybody's.
/// </summary>
/// <typeparam name="T">What runs.</typeparam>
/// <param name="measure">The p99 of a runner at a rate (calls a second); infinite if calls failed.</param>
/// <param name="goal">The highest p99 that holds.</param>
/// <param name="report">Hears of every rate, and who held it.</param>
internal sealed class Race<T>(Func<T, double, Task<TimeSpan>> measure, TimeSpan goal, Action<double, IReadOnlyList<Runner<T>>> report)
{
    /// <summary>How close the highest rate that is held comes to the lowest that is not.</summary>
    internal const double Resolution = 1.05;

    private const double Step = 1.5;

    /// <summary>Below this share of the first rate nothing is looked for.</summary>
    private const double Least = 1.0 / 256;

    /// <summary>Runs the race.</summary>
    /// <param name="field">Who runs.</param>
    /// <param name="rate">The first rate; best one that most hold.</param>
    /// <returns>The winner: of those who hold the highest rate, who has the lowest p99. Nothing if nobody holds any.</returns>
    internal async Task<RaceResult<T>?> RunAsync(IReadOnlyList<T> field, double rate)
    {
        var (held, missed) = (0.0, double.PositiveInfinity);
        var (least, left) = (rate * Least, field.Select(r => new Runner<T>(r, TimeSpan.Zero)).ToArray());
        while (missed / held > Resolution && rate > least)
        {
            var holding = await HoldingAsync(left, rate);
            report(rate, holding);
            if (holding.Length > 0)
                (left, held) = (holding, rate);
            else
                missed = rate;
            rate = held == 0 ? missed / 2 : double.IsInfinity(missed) ? held * Step : Math.Sqrt(held * missed);
        }

        return held == 0 ? null : new RaceResult<T>(left.MinBy(r => r.Tail)!, held);
    }

    /// <summary>Who misses has a second chance, when all others have had their first: a bad moment does not decide.</summary>
    private async Task<Runner<T>[]> HoldingAsync(Runner<T>[] field, double rate)
    {
        var tails = new TimeSpan[field.Length];
        for (var i = 0; i < tails.Length; i++)
            tails[i] = await measure(field[i].Who, rate);
        for (var i = 0; i < tails.Length; i++)
        {
            if (tails[i] > goal)
                tails[i] = await measure(field[i].Who, rate);
        }

        return [.. field.Zip(tails, (r, tail) => r with { Tail = tail }).Where(r => r.Tail <= goal)];
    }
}

/// <summary>Who runs, and the last p99.</summary>
internal sealed record Runner<T>(T Who, TimeSpan Tail);

/// <summary>Who won.</summary>
/// <param name="Winner">Of those who hold the rate, who has the lowest p99.</param>
/// <param name="Rate">The highest rate that is held, calls a second; none held <see cref="Race{T}.Resolution"/> times it.</param>
internal sealed record RaceResult<T>(Runner<T> Winner, double Rate);
