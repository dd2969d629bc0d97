using RecoServe.LoadGenerator;
using RecoServe.LoadTest.Targets;
using RecoServe.Testing;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>A very large catalogue: how long its server takes to start, what it holds in memory at most, and what batches are good for.</summary>
internal static class CatalogueScenario
{
    private const double Megabyte = 1e6;

    internal static async Task RunAsync(LoadSession session)
    {
        using var repository = new TemporaryDirectory();
        session.Show("make the model");
        Models.Make(repository.Path, session.Options.MostItems);
        var package = NewestModel.Open(repository.Path);
        var requests = MadeRequest.Make(package, session.Options.Seed);
        var starts = await session.RoundsAsync("start", async () =>
        {
            await using var target = await session.StartAsync(repository.Path, requests);
            return target.Process.StartTime.TotalSeconds;
        });
        session.Findings.Add(ServingGoals.CatalogueReady, starts.Median());

        await using var batched = await session.StartWarmAsync(repository.Path, requests);
        session.Findings.Add(ServingGoals.CatalogueBatching, await BatchingScenario.CompareAsync(session, repository.Path, batched, $"{package.Manifest.ItemCount:N0} items"));
        // ONNX Runtime packs the matrix again for its own kernels.
        var matrix = (package.Manifest.ItemCount + 1L) * package.Manifest.Dimension * sizeof(float);
        session.Findings.Add(ServingGoals.CatalogueMemory, (batched.Process.PeakResidentBytes - (2 * matrix)) / Megabyte);
    }
}
