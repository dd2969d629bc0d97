using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;

namespace RecoServe.Engine.Registry;

/// <summary>The first look at a repository.</summary>
internal static class RepositoryStart
{
    /// <summary>
    /// What a start needs: a complete version of any model, and of the default one. Others of which nothing is complete yet are being
    /// published for the first time: the repository has told of them.
    /// </summary>
    /// <param name="repository">The repository.</param>
    /// <param name="defaultModel">The configured default; empty if there is none.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="AggregateException">What is missing.</exception>
    internal static async Task<IReadOnlyList<RepositoryModel>> ModelsAtStartAsync(
        this IModelRepository repository, string defaultModel, CancellationToken cancellationToken)
    {
        try
        {
            var models = await repository.ModelsAsync(cancellationToken);
            if (models.Count == 0)
                throw new PackageException(repository.Root, "holds no model: expected <name>/<version>/manifest.json or model.onnx");
            var needed = models.Any(m => m.Complete.Count > 0) ? models.Where(m => m.Name == defaultModel) : models;
            if (needed.FirstOrDefault(m => m.Complete.Count == 0) is { } empty)
            {
                throw new PackageException(
                    Path.Combine(repository.PathOf(empty.Name, empty.Incomplete[0]), PackageFiles.Manifest), "is missing, and no other version of the model is complete");
            }

            return models;
        }
        catch (Exception e) when (e is PackageException or StoreUnavailableException)
        {
            throw new AggregateException(e);
        }
    }
}
