using RecoServe.Engine.Packages;
using RecoServe.Trainer.Configuration;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Export;

/// <summary>A run's best weights on their way into a model package.</summary>
internal sealed class PackageDraft : IDisposable
{
    private readonly RunSettings _settings;
    private readonly string? _config;
    private readonly Catalogue _catalogue;
    private readonly IReadOnlyList<Question> _histories;
    private readonly IReadOnlyDictionary<string, double> _metrics;

    /// <summary>Reads a run.</summary>
    /// <exception cref="PackageException">The run has no validated weights yet, or a file of it is damaged.</exception>
    public PackageDraft(RunFolder run)
    {
        _settings = run.Settings;
        _config = File.Exists(run.ConfigPath) ? ResolvedConfig.WithoutFolders(run.ConfigPath) : null;
        _catalogue = run.ReadCatalogue();
        _histories = run.ReadHistories();
        _metrics = run.ReadMetrics();
        Network = run.LoadBest(_catalogue);
    }

    /// <summary>The best weights.</summary>
    public NextWatchNetwork Network { get; }

    /// <summary>What the parity check found; null before <see cref="Verify"/>.</summary>
    public ParityCheck? Parity { get; private set; }

    /// <summary>Publishes a run's best weights as the next version of a model.</summary>
    /// <param name="run">The run.</param>
    /// <param name="repository">The model repository's root.</param>
    /// <param name="name">The model's name.</param>
    /// <param name="version">The version; null for the next one.</param>
    /// <param name="now">When.</param>
    /// <param name="cancellationToken">Ends it before the parity check or before the publication; nothing is published then.</param>
    /// <returns>The package's directory, and how well it agrees with the training.</returns>
    /// <exception cref="PackageException">The graphs do not compute what was trained, or the version exists; nothing is published.</exception>
    public static (string Directory, ParityCheck Parity) Publish(RunFolder run, string repository, string name, long? version, DateTimeOffset now, CancellationToken cancellationToken = default)
    {
        using var draft = new PackageDraft(run);
        void Verify(ModelPackage package)
        {
            cancellationToken.ThrowIfCancellationRequested();
            draft.Verify(package);
            cancellationToken.ThrowIfCancellationRequested();
        }

        return (PackageWriter.Publish(repository, draft.Manifest(name, now), version, draft.WriteFiles, Verify), draft.Parity!);
    }

    /// <summary>The manifest but for version and checksums.</summary>
    public ModelManifest Manifest(string name, DateTimeOffset now) => new()
    {
        Name = name,
        Version = 0,
        Network = _settings.Fit.Network.ToString().ToLowerInvariant(),
        ItemCount = _catalogue.Count,
        Dimension = _settings.Fit.Dimension,
        MaxHistory = _settings.Fit.MaxHistory,
        ContextFields = _settings.ContextFields,
        TimeGaps = _settings.Fit.TimeGaps,
        HistoryContext = _settings.Fit.HistoryContext,
        CreatedAt = now,
        Metrics = _metrics,
        Settings = _settings.Flatten(),
    };

    /// <summary>Writes every file of the package but the manifest.</summary>
    public void WriteFiles(string directory)
    {
        string In(string file) => Path.Combine(directory, file);
        NetworkGraphs.WriteEncoder(Network, In(PackageFiles.Encoder));
        NetworkGraphs.WriteScorer(Network.Shape, In(PackageFiles.Scorer));
        foreach (var (file, tensor) in new[] { (PackageFiles.ItemMatrix, Network.ItemMatrix), (PackageFiles.ItemBias, Network.ItemBias) })
        {
            using var stream = File.Create(In(file));
            TensorBytes.Write(tensor, stream);
        }

        if (_config is not null)
            File.WriteAllText(In(PackageFiles.Training), _config);
        _catalogue.Write(In(PackageFiles.Catalogue));
        var scorer = new NetworkScorer(Network, _settings.Fit.MaxHistory);
        File.WriteAllText(In(PackageFiles.Probe), ProbeRecorder.Record(scorer, _histories, _catalogue, _settings.ContextFields).ToJson());
    }

    /// <summary>The parity check.</summary>
    /// <exception cref="PackageException">The package does not compute what was trained.</exception>
    public void Verify(ModelPackage package) => Parity = ParityCheck.Run(Network, package, _histories);

    public void Dispose() => Network.Dispose();
}
