using System.Globalization;

namespace RecoServe.Server.Tuning;

/// <summary>Settings that a server may be started with.</summary>
/// <param name="MaxBatchSize"><c>Runner:MaxBatchSize</c>.</param>
/// <param name="MaxQueueDelay"><c>Batcher:MaxQueueDelay</c>.</param>
/// <param name="Threads"><c>Runner:Threads</c>.</param>
/// <param name="Instances"><c>Runner:Instances</c>, no more than there are threads.</param>
internal sealed record Candidate(int MaxBatchSize, TimeSpan MaxQueueDelay, int Threads, int Instances)
{
    /// <summary>The same as switches of the command line.</summary>
    internal IReadOnlyList<string> Switches =>
    [
        "--Runner:MaxBatchSize", Text(MaxBatchSize), "--Batcher:MaxQueueDelay", MaxQueueDelay.ToString("c", CultureInfo.InvariantCulture),
        "--Runner:Threads", Text(Threads), "--Runner:Instances", Text(Instances),
    ];

    /// <summary>
    /// A coarse grid: batches of 4 to 256 by factors of four, no delay and a tenth of the goal, threads from one by factors of two,
    /// and all cores; one instance, half as many as threads, or as many. What a server has unless told otherwise is among them.
    /// </summary>
    /// <param name="cores">Cores of the machine.</param>
    /// <param name="goal">The latency goal.</param>
    internal static IReadOnlyList<Candidate> Grid(int cores, TimeSpan goal) =>
    [
        .. from threads in Powers(2, 1, cores).Append(cores).Distinct()
           from instances in new[] { 1, Math.Max(1, threads / 2), threads }.Distinct()
           from batch in Powers(4, 4, 256)
           from delay in new[] { TimeSpan.Zero, TimeSpan.FromMicroseconds(Math.Round(goal.TotalMicroseconds / 10)) }
           select new Candidate(batch, delay, threads, instances),
    ];

    private static IEnumerable<int> Powers(int factor, int from, int to)
    {
        for (var power = from; power <= to; power *= factor)
            yield return power;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
