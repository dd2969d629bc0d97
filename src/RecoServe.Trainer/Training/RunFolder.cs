using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;
using IOPath = System.IO.Path;

namespace RecoServe.Trainer.Training;

/// <summary>
/// The folder of one training run: <c>options.json</c>, <c>catalogue.tsv</c>, <c>histories.tsv</c> (a sample for the export's
/// parity check), <c>checkpoint/</c>, <c>metrics.csv</c> with a line an epoch, and <c>metrics.json</c> once it has ended; the report of
/// <see cref="Reports.RunReport"/> beside them.
/// </summary>
internal sealed class RunFolder
{
    private const string MetricsHeader = "epoch,loss,val_hr10,val_ndcg10,seconds,positions_per_second,learning_rate,mean_weight,effective_share,max_weight,propensity_loss,category_loss,estimated_reward,val_propensity_loss";

    private RunFolder(string path, RunSettings settings)
    {
        (Path, Settings) = (path, settings);
        Checkpoint = new Checkpoint(IOPath.Combine(path, "checkpoint"));
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The run's settings.</summary>
    public RunSettings Settings { get; private set; }

    /// <summary>What decides ranks in the run's validation and test; runs of earlier builds, which do not say, had the defaults.</summary>
    /// <exception cref="PackageException">The settings tell of a ranking that there is not.</exception>
    public RankingOptions Ranking => Settings.Data.TryGetValue(RunSettings.RankingKey, out var protocol)
        ? RankingOptions.OfProtocol(protocol) ?? throw new PackageException(In("options.json"), $"there is no ranking \"{protocol}\"")
        : RankingOptions.Default;

    /// <summary>The run's weights.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>Whether the training has ended and its best weights are tested.</summary>
    public bool HasEnded => File.Exists(In("metrics.json"));

    /// <summary>Every option of the run as it was resolved when it began or was last resumed; absent if it was not begun by the command.</summary>
    public string ConfigPath => ConfigPathOf(Path);

    /// <summary>The same of a folder that is not open.</summary>
    public static string ConfigPathOf(string path) => IOPath.Combine(path, "config.yaml");

    /// <summary>The items.</summary>
    public Catalogue ReadCatalogue() => Catalogue.Read(In(PackageFiles.Catalogue));

    /// <summary>The sampled histories.</summary>
    public IReadOnlyList<Question> ReadHistories() => HistorySample.Read(In("histories.tsv"));

    /// <summary>Metrics of the best weights, for example <c>test/HR@10</c>; empty before the run's end.</summary>
    public IReadOnlyDictionary<string, double> ReadMetrics() => HasEnded
        ? JsonSerializer.Deserialize(File.ReadAllText(In("metrics.json")), RunJson.Default.DictionaryStringDouble)!
        : new Dictionary<string, double>();

    /// <summary>Refuses a folder in which no run can start.</summary>
    /// <exception cref="PackageException">It is a file, or holds a run already.</exception>
    public static void RequireFree(string path)
    {
        if (File.Exists(path))
            throw new PackageException(path, "is a file; give a folder");
        if (File.Exists(IOPath.Combine(path, "options.json")))
            throw new PackageException(path, "holds a training run already: continue it with --resume, or name another folder");
    }

    /// <summary>Starts a run in an empty or absent folder. There is one once <c>options.json</c> is, which is written last.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="log">The log.</param>
    /// <param name="fit">Settings of the training.</param>
    /// <param name="data">How the log was read.</param>
    /// <param name="config">The content of <see cref="ConfigPath"/>; null for none.</param>
    /// <exception cref="PackageException">The folder is a file, or holds a run already.</exception>
    public static RunFolder Create(string path, WatchLog log, FitOptions fit, IReadOnlyDictionary<string, string> data, string? config = null)
    {
        RequireFree(path);
        var settings = new RunSettings { Fit = fit, Data = data, ContextFields = log.ContextFields, LogChecksum = Checksum(log, fit.TimeGaps) };
        var run = new RunFolder(path, settings);
        log.Catalogue.Write(run.In(PackageFiles.Catalogue));
        HistorySample.Write(run.In("histories.tsv"), HistorySample.Draw(log, fit.MaxHistory, fit.Seed, fit.TimeGaps, fit.HistoryContext));
        WholeFile.Write(run.In("metrics.csv"), MetricsHeader + "\n");
        if (config is not null)
            WholeFile.Write(run.ConfigPath, config);
        run.WriteSettings();
        return run;
    }

    /// <summary>Goes on with other limits, and records them: what an export tells is what was run.</summary>
    /// <param name="fit">Settings of the training; only limits differ.</param>
    /// <param name="config">The content of <see cref="ConfigPath"/>.</param>
    public void Continue(FitOptions fit, string config)
    {
        Settings = Settings with { Fit = fit };
        WholeFile.Write(ConfigPath, config);
        WriteSettings();
    }

    /// <summary>Opens a run.</summary>
    /// <exception cref="PackageException">There is none, or its settings cannot be read.</exception>
    public static RunFolder Open(string path)
    {
        var options = IOPath.Combine(path, "options.json");
        if (!File.Exists(options))
            throw new PackageException(path, "holds no training run: there is no options.json");
        try
        {
            return new RunFolder(path, RunSettings.Read(File.ReadAllText(options)));
        }
        catch (JsonException e)
        {
            throw new PackageException(options, $"is not valid: {e.Message}", e);
        }
    }

    /// <summary>Refuses to go on with other data than the run began with.</summary>
    /// <exception cref="PackageException">The log's events, displays, items or contexts differ.</exception>
    public void RequireSame(WatchLog log)
    {
        if (Checksum(log, Settings.Fit.TimeGaps) != Settings.LogChecksum)
            throw new PackageException(Path, "was trained on another log: events, displays, items or context columns differ, so it cannot be resumed with this one");
    }

    /// <summary>Refuses questions that the run's network cannot read, or whose answers it may have learned.</summary>
    /// <exception cref="DataException">
    /// The log has other items or other contexts than the run's, or no times where the network reads gaps; or the split is another, or has more or
    /// less of anything than the run's.
    /// </exception>
    public void RequireScores(EvaluationSplit split)
    {
        if (Settings.Data.GetValueOrDefault(RunSettings.SplitKey, split.Name) is var trained && trained != split.Name)
            throw new DataException($"{Path} was trained with the split {trained}; {split.Name} may ask for what it has learned");
        RequireSameInputs(split.Log);
        if (Settings.Fit.TimeGaps && !split.Log.HasTimes)
            throw new DataException($"{Path} reads time gaps, and the log has no times; a table with a column timestamp has");
        if (SplitCounts.DifferenceTo(Settings.Data, split) is { } difference)
            throw new DataException($"{Path} was trained on {difference}: on another log or split, and may have learned what is asked for here");
    }

    /// <summary>Refuses a network whose weights are not those of the run's.</summary>
    /// <exception cref="DataException">Names what differs.</exception>
    public void RequireSameNetwork(NetworkShape shape)
    {
        var differences = Settings.ShapeFor(ReadCatalogue()).DifferencesTo(shape).ToList();
        if (differences.Count > 0)
            throw new DataException($"{Path} has the weights of another network: {string.Join("; ", differences)}");
    }

    /// <summary>Refuses a log whose items and contexts are not those of the run's network.</summary>
    /// <exception cref="DataException">They differ.</exception>
    public void RequireSameInputs(WatchLog log)
    {
        var (items, own) = (log.Catalogue, ReadCatalogue());
        if (items.Count != own.Count || Enumerable.Range(1, own.Count).Any(i => items.IdOf(i) != own.IdOf(i)))
            throw new DataException($"{Path} was trained on other items than the {items.Count} of this log");
        if (log.ContextFields.FirstOrDefault(f => !Settings.ContextFields.Contains(f)) is { } unknown)
            throw new DataException($"--context {unknown.Key}: {Path} was trained without it, or on other values of it");
        if (!Settings.ContextFields.SequenceEqual(log.ContextFields))
            throw new DataException($"{Path} was trained with contexts that were not asked for, or not in this order: give {string.Join(' ', Settings.ContextFields.Select(f => $"--context {f.Key}"))}");
    }

    /// <summary>Refuses to go on with another way of evaluating, or of reading the log, than the run began with.</summary>
    /// <param name="key">The setting's; runs of earlier builds may lack it.</param>
    /// <param name="value">What is asked for now.</param>
    /// <exception cref="DataException">It was another.</exception>
    public void RequireSame(string key, string value)
    {
        if (Settings.Data.GetValueOrDefault(key, value) is var before && before != value)
            throw new DataException($"the {key} cannot change within a run: it is {before}");
    }

    /// <summary>
    /// Forgets metrics of epochs that the checkpoint does not know of, or that are not finished, and those of an earlier end. What an earlier build did
    /// not measure is empty.
    /// </summary>
    public void CutMetrics(int firstUnfinished)
    {
        File.Delete(In("metrics.json"));
        var columns = MetricsHeader.Count(c => c == ',');
        var lines = File.ReadLines(In("metrics.csv")).Skip(1)
            .Where(line => int.Parse(line.Split(',')[0], CultureInfo.InvariantCulture) < firstUnfinished)
            .Select(line => line + new string(',', columns - line.Count(c => c == ',')));
        WholeFile.Write(In("metrics.csv"), string.Concat(lines.Prepend(MetricsHeader).Select(line => line + "\n")));
    }

    /// <summary>Adds an epoch's line; what the training has not is empty.</summary>
    public void AppendMetrics(EpochReport report)
    {
        var sums = report.Sums;
        var weights = sums.Weights.Count == 0 ? null : sums.Weights;
        double? propensity = sums.PropensityLoss == 0 ? null : sums.MeanOf(sums.PropensityLoss);
        double? category = sums.CategoryLoss == 0 ? null : sums.MeanOf(sums.CategoryLoss);
        var objective = string.Create(CultureInfo.InvariantCulture, $"{weights?.Mean:G6},{weights?.EffectiveShare:G6},{weights?.Max:G6},{propensity:F6},{category:F6},{weights?.EstimatedReward:G6},{report.HeldOutPropensityLoss:F6}");
        File.AppendAllText(In("metrics.csv"), string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Epoch},{report.Loss:F6},{report.Validation?.HitRate:F6},{report.Validation?.Ndcg:F6},{sums.Seconds:F2},{report.PositionsPerSecond:F0},{report.LearningRate:G6},{objective}\n"));
    }

    /// <summary>Writes the metrics of the best weights.</summary>
    public void WriteMetrics(IReadOnlyDictionary<string, double> metrics) => WholeFile.Write(
        In("metrics.json"), JsonSerializer.Serialize(new Dictionary<string, double>(metrics), RunJson.Default.DictionaryStringDouble) + "\n");

    /// <summary>The network with the run's best weights, without dropout.</summary>
    /// <exception cref="PackageException">The run has no validated weights yet, or they are damaged.</exception>
    public NextWatchNetwork LoadBest(Catalogue catalogue)
    {
        if (!Checkpoint.HasBest)
            throw new PackageException(Path, "has no validated weights yet: let recotrain fit finish an epoch");
        var network = new NextWatchNetwork(Settings.ShapeFor(catalogue), dropout: 0);
        Checkpoint.RestoreBest(network);
        return network;
    }

    /// <summary>Gives a network the run's best weights, to learn on from there; rewards that the run had not are added to its biases.</summary>
    /// <param name="network">As <see cref="RequireSameNetwork"/> wants it.</param>
    /// <param name="set">What it will learn from.</param>
    /// <param name="feedback">What a watch is worth there.</param>
    /// <exception cref="PackageException">The run has no weights yet, or they are of another network.</exception>
    public void Start(NextWatchNetwork network, TrainingSet set, FeedbackOptions feedback)
    {
        if (!Checkpoint.HasBest)
            throw new PackageException(Path, "has no weights to start from: nothing was validated yet");
        Checkpoint.RestoreBest(network);
        // Of impressions, an item's own watches are not those that were shown: what it was worth is the mean over its watched displays.
        if (feedback.HasReward && !Settings.HasReward)
            network.AddRewards(feedback.Impressions.Count > 0 ? set.RewardedCounts : set.ItemCounts, set.ItemRewards);
    }

    private static string Checksum(WatchLog log, bool withTimes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var user = 0; user < log.UserCount; user++)
        {
            hash.AppendData(BitConverter.GetBytes(log.ItemsOf(user).Length));
            Append(hash, log.ItemsOf(user));
            for (var f = 0; f < log.ContextFields.Count; f++)
                Append(hash, log.ContextOf(user, f));
            if (withTimes)
                Append(hash, log.TimesOf(user));
            if (log.Feedback?.RowsOf(user) is { } rows)
                AppendFeedback(hash, rows);
        }

        for (var i = 1; i <= log.Catalogue.Count; i++)
            Append(hash, log.Catalogue.IdOf(i) + "\n");
        foreach (var (name, attribute) in log.Catalogue.Attributes)
        {
            Append(hash, $"{name}\t{string.Join('\t', attribute.Values)}\n");
            for (var i = 1; i <= log.Catalogue.Count; i++)
                Append<int>(hash, (int[])[attribute.CodesOf(i).Length, .. attribute.CodesOf(i)]);
        }

        foreach (var field in log.ContextFields)
            Append(hash, $"{field.Key}\t{string.Join('\t', field.Values)}\n");
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void AppendFeedback(IncrementalHash hash, FeedbackRows rows)
    {
        Append(hash, rows.Steps);
        Append(hash, rows.Items);
        Append(hash, rows.Rewards);
        Append(hash, rows.Propensities.GetValueOrDefault());
        Append(hash, rows.Slots.GetValueOrDefault());
        foreach (var codes in rows.Context)
            Append(hash, codes);
    }

    private static void Append<T>(IncrementalHash hash, ReadOnlyMemory<T> numbers)
        where T : struct => hash.AppendData(MemoryMarshal.AsBytes(numbers.Span));

    private static void Append(IncrementalHash hash, string text) => hash.AppendData(Encoding.UTF8.GetBytes(text));

    private void WriteSettings() => WholeFile.Write(In("options.json"), JsonSerializer.Serialize(Settings, RunJson.Default.RunSettings) + "\n");

    private string In(string file) => IOPath.Combine(Path, file);
}
