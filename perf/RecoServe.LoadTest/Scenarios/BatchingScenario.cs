using RecoServe.LoadGenerator;
using RecoServe.LoadTest.Targets;
using RecoServe.Testing;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>What batches are good for: two servers of the same made model, one of which runs every row by itself.</summary>
internal static class BatchingScenario
{
    // Enough to keep it busy, and so few that nobody waits until the deadline: what is dropped then would count against it.
    private const int CallersOfSingle = 8;

    internal static async Task RunAsync(LoadSession session)
    {
        using var repository = new TemporaryDirectory();
        session.Show("make the model");
        Models.Make(repository.Path, session.Options.ManyItems);
        var requests = MadeRequest.Make(NewestModel.Open(repository.Path), session.Options.Seed);
        await using var batched = await session.StartWarmAsync(repository.Path, requests);
        session.Findings.Add(ServingGoals.Batching, await CompareAsync(session, repository.Path, batched, $"{session.Options.ManyItems:N0} items"));
    }

    /// <summary>Throughput of a server ÷ that of another with <c>MaxBatchSize 1</c>, round by round.</summary>
    internal static async Task<double> CompareAsync(LoadSession session, string repository, Target batched, string name)
    {
        await using var single = await session.StartWarmAsync(repository, batched.Requests, "--Runner:MaxBatchSize", "1");
        var rounds = await session.RoundsAsync("batching beside MaxBatchSize 1", async () =>
            (Batched: await batched.ClosedAsync(session.Options.Duration), Single: await single.ClosedAsync(session.Options.Duration, callers: CallersOfSingle)));
        session.Findings.Add($"{name} (closed loop)", null, rounds.Select(r => r.Batched));
        session.Findings.Add($"{name}, MaxBatchSize 1 (closed loop)", null, rounds.Select(r => r.Single));
        return rounds.Select(r => r.Batched.Goodput / r.Single.Goodput).Median();
    }
}
