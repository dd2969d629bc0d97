using System.Globalization;
using RecoServe.Engine.Packages;
using RecoServe.LoadGenerator;

namespace RecoServe.Server.Tuning;

/// <summary>One tuning: opens the model, runs the race, and says who won.</summary>
internal static class TuneRun
{
    /// <summary>The race begins at a rate that most settings hold.</summary>
    private const double FirstShareOfPeak = 0.3;

    /// <summary>Something is said at least so often.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);

    /// <summary>Turns in which the pick and the best of a sweep are compared: odd, for their median.</summary>
    private const int Turns = 5;

    /// <summary>Settings are named when so few are left.</summary>
    private const int NamedBelow = 4;

    /// <summary>Tunes.</summary>
    /// <returns>Whether any candidate holds the goal.</returns>
    /// <exception cref="PackageException">The repository has no such model.</exception>
    /// <exception cref="InvalidOperationException">A server could not be started; its own words.</exception>
    internal static async Task<bool> RunAsync(TuneOptions options, IReadOnlyList<Candidate> grid, TextWriter output, TimeProvider clock)
    {
        var package = NewestModel.Open(options.Models, options.Model);
        output.WriteLine($"{package.Manifest.Name} version {package.Manifest.Version}, p99 up to {Milliseconds(options.Goal)} ms, {Environment.ProcessorCount} cores: {grid.Count} settings, each in a server of its own");
        await using var servers = new CandidateServers(options, package, clock);
        var first = FirstShareOfPeak * await servers.PeakAsync(grid[0]);
        var (spoken, measured) = (clock.GetTimestamp(), 0);
        async Task<TimeSpan> MeasureAsync(Candidate candidate, double rate)
        {
            var tail = await servers.TailAsync(candidate, rate);
            measured++;
            if (clock.GetElapsedTime(spoken) >= Silence)
            {
                output.WriteLine($"{Rate(rate),12}/s  measuring: {measured} measurements so far");
                spoken = clock.GetTimestamp();
            }

            return tail;
        }

        var result = await new Race<Candidate>(MeasureAsync, options.Goal, (rate, holding) => Show(output, grid, rate, holding)).RunAsync(grid, first);
        if (result is null)
        {
            output.WriteLine($"no setting has a p99 of {Milliseconds(options.Goal)} ms, whatever the rate");
            return false;
        }

        output.WriteLine($"holds {Rate(result.Rate)} requests a second with p99 {Milliseconds(result.Winner.Tail)} ms, on this machine and with the load generator on it:");
        output.WriteLine($"recoserve {string.Join(' ', result.Winner.Who.Switches)}");
        if (options.Sweep)
            await SweepAsync(MeasureAsync, options, grid, first, result.Winner.Who, output);
        return true;
    }

    /// <summary>Every candidate on its own: what the race saves, and what it may miss.</summary>
    /// <param name="measure">The p99 of a candidate at a rate.</param>
    /// <param name="options">The goal.</param>
    /// <param name="grid">All candidates.</param>
    /// <param name="first">The first rate, calls a second.</param>
    /// <param name="winner">The race's pick.</param>
    /// <param name="output">Hears of every candidate.</param>
    internal static async Task SweepAsync(Func<Candidate, double, Task<TimeSpan>> measure, TuneOptions options, IReadOnlyList<Candidate> grid, double first, Candidate winner, TextWriter output)
    {
        var rates = new Dictionary<Candidate, double>();
        var alone = new Race<Candidate>(measure, options.Goal, static (_, _) => { });
        foreach (var candidate in grid)
        {
            rates[candidate] = await HeldAsync(candidate);
            output.WriteLine($"{Rate(rates[candidate]),12}/s  {string.Join(' ', candidate.Switches)}");
        }

        var best = grid.MaxBy(candidate => rates[candidate])!;
        output.WriteLine($"sweep: the best holds {Rate(rates[best])}/s; the pick {Rate(rates[winner])}/s");
        if (best == winner)
            return;

        // Between their turns in the sweep the machine may have changed: once more, in turns.
        var shares = new List<double>();
        for (var turn = 0; turn < Turns; turn++)
        {
            var (ofBest, ofPick) = (await HeldAsync(best), await HeldAsync(winner));
            shares.Add(ofPick / ofBest);
            output.WriteLine($"{"",14}  the best {Rate(ofBest)}/s, the pick {Rate(ofPick)}/s");
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"sweep: in turns the pick holds {shares.Order().ElementAt(Turns / 2):P0} of what the best of the sweep does (median of {Turns})"));

        async Task<double> HeldAsync(Candidate candidate) => (await alone.RunAsync([candidate], first))?.Rate ?? 0;
    }

    private static void Show(TextWriter output, IReadOnlyList<Candidate> grid, double rate, IReadOnlyList<Runner<Candidate>> holding)
    {
        output.WriteLine($"{Rate(rate),12}/s  held by {holding.Count} of {grid.Count}");
        foreach (var (candidate, _) in holding.Where(_ => holding.Count < NamedBelow))
            output.WriteLine($"{"",14}  {string.Join(' ', candidate.Switches)}");
    }

    private static string Rate(double rate) => rate.ToString("N0", CultureInfo.InvariantCulture);

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("0.0##", CultureInfo.InvariantCulture);
}
