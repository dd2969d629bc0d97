using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;

namespace RecoServe.Engine.Registry;

/// <summary>The first look at a repository.</summary>
internal static class RepositoryStart
{
    /// <summary>What a start needs: at least one model, and of every model a complete version.</summary>
    /// <exception cref="AggregateException">One exception for each thing that is missing.</exception>
    internal static async Task<IReadOnlyList<RepositoryModel>> ModelsAtStartAsync(this IModelRepository repository, CancellationToken cancellationToken)
    {
        try
        {
            var models = await repository.ModelsAsync(cancellationToken);
            if (models.Count == 0)
                throw new PackageException(repository.Root, "holds no model: expected <name>/<version>/manifest.json or model.onnx");
            if (models.FirstOrDefault(m => m.Complete.Count == 0) is { } empty)
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
