using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;

namespace RecoServe.Engine.Registry;

/// <summary>
/// Where versions come from: a directory, or a bucket with the same layout. A version is used from a local directory only, so that
/// nothing that loads or serves waits for a network.
/// </summary>
internal interface IModelRepository : IDisposable
{
    /// <summary>The repository as operators name it.</summary>
    string Root { get; }

    /// <summary>The local directory that keeps <c>&lt;name&gt;/traffic.json</c>.</summary>
    string TrafficRoot { get; }

    /// <summary>Looks: every model that has at least one version, complete or not, by name.</summary>
    /// <exception cref="PackageException">The directory is missing or cannot be read.</exception>
    /// <exception cref="StoreUnavailableException">The bucket does not answer.</exception>
    Task<IReadOnlyList<RepositoryModel>> ModelsAsync(CancellationToken cancellationToken);

    /// <summary>Brings the files of a version into a local directory, unless they are there.</summary>
    /// <param name="name">The model.</param>
    /// <param name="version">The version.</param>
    /// <param name="fresh">Whether the last look is not enough to know what there is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ModelNotFoundException">There is no complete version of that number, or the name is not one a model can have.</exception>
    /// <exception cref="PackageException">Names the object that is damaged or missing.</exception>
    /// <exception cref="StoreUnavailableException">The bucket does not answer; a later try may do better.</exception>
    Task<VersionFiles> FetchAsync(string name, long version, bool fresh, CancellationToken cancellationToken);

    /// <summary>Throws if the repository had no such version when it was looked at last.</summary>
    /// <exception cref="ModelNotFoundException">It had not.</exception>
    void Require(string name, long version);

    /// <summary>Whether a model has a version that is a package.</summary>
    bool HasPackage(RepositoryModel model);

    /// <summary>Where a version is, or would be, as operators name it.</summary>
    string PathOf(string name, long version);

    /// <summary>Changes when a file of the version is written.</summary>
    string FingerprintOf(string name, long version);

    /// <summary>Changes when a file at the root is written; empty if there is none.</summary>
    /// <exception cref="StoreUnavailableException">The bucket does not answer.</exception>
    Task<string> MarkOfAsync(string file, CancellationToken cancellationToken);

    /// <summary>Removes what was brought here and is not needed any more.</summary>
    /// <param name="isNeeded">Whether a version is.</param>
    void Trim(Func<string, long, bool> isNeeded);
}
