using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Simulation;

/// <summary>Runs a simulation into a directory: four tables, <c>demo_users.json</c> and, last, <c>truth.json</c>.</summary>
internal static class SimulationWriter
{
    private const int ProgressStep = 100;

    /// <summary>All files that a log has in one format or another.</summary>
    private static readonly string[] Files =
    [
        .. SimulatedTables.Names.SelectMany(table => Enum.GetValues<LogFormat>().Select(format => FileOf(table, format))),
        DemoUsers.FileName,
        SimulationTruth.FileName,
    ];

    /// <summary>Simulates and writes; all files or none.</summary>
    /// <param name="options">What to simulate.</param>
    /// <param name="directory">Where to write.</param>
    /// <param name="format">Format of the tables.</param>
    /// <param name="force">Whether to write into a directory that is not empty.</param>
    /// <param name="progress">Told the share of the viewers that are done.</param>
    /// <param name="cancellation">Stops; nothing is left behind.</param>
    /// <exception cref="DataException">The directory is a file, or not empty.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static SimulationCounts Write(
        SimulationOptions options,
        string directory,
        LogFormat format,
        bool force,
        IProgress<double>? progress,
        CancellationToken cancellation)
    {
        using var staged = new StagedDirectory(directory, Files, force);
        var simulation = new WatchSimulation(options);
        using var tables = new SimulatedTables(simulation.World);
        var demo = new DemoUsers(simulation.World);
        var counts = new SimulationCounts(options.Users, options.Videos, 0, 0, 0);
        foreach (var log in simulation.Run())
        {
            cancellation.ThrowIfCancellationRequested();
            tables.Append(log);
            demo.Offer(log);
            counts = counts with
            {
                Watches = counts.Watches + log.Watches.Count,
                Slates = counts.Slates + log.Slates.Count,
                Impressions = counts.Impressions + log.Slates.Sum(s => s.Videos.Length),
            };
            if (log.Viewer.Index % ProgressStep == 0)
                progress?.Report((double)log.Viewer.Index / options.Users);
        }

        tables.Complete();
        foreach (var table in SimulatedTables.Names)
            tables.Copy(table, staged.Stage(FileOf(table, format)), format);
        cancellation.ThrowIfCancellationRequested();
        File.WriteAllText(staged.Stage(DemoUsers.FileName), demo.ToJson());
        File.WriteAllText(staged.Stage(SimulationTruth.FileName), TruthOf(simulation, options, SimulatedTables.NameOf(format), counts).ToJson());
        staged.Publish();
        progress?.Report(1);
        return counts;
    }

    private static string FileOf(string table, LogFormat format) => $"{table}.{SimulatedTables.NameOf(format)}";

    private static SimulationTruth TruthOf(
        WatchSimulation simulation, SimulationOptions options, string format, SimulationCounts counts) => new()
        {
            Options = options,
            TableFormat = format,
            Epoch = WatchSimulation.Epoch,
            Counts = counts,
            Policy = simulation.PolicyParameters,
            Viewers = simulation.ViewerParameters,
            HalfLifeDays = simulation.World.Categories.ToDictionary(c => c.Name, c => c.HalfLifeDays),
            PolicyScores = simulation.Policy.Scores,
            Quality = [.. simulation.World.Videos.Select(v => v.Quality)],
            Fame = [.. simulation.World.Videos.Select(v => v.Fame)],
        };
}
