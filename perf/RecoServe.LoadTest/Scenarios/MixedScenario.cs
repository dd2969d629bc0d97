using RecoServe.LoadGenerator;
using RecoServe.LoadTest.Targets;
using RecoServe.Testing;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>Whether one long history makes 63 short ones pay: the model that is asked, for histories of up to 200, on a server of its own.</summary>
internal static class MixedScenario
{
    private const int Long = 200;
    private const int Short = 10;
    private const int ShortPerLong = 64;

    internal static async Task RunAsync(LoadSession session)
    {
        using var repository = new TemporaryDirectory();
        Models.Stretch(session.Package, repository.Path, Long);
        var package = NewestModel.Open(repository.Path);
        var seed = session.Options.Seed;
        var mixed = MadeRequest.Make(package, seed, i => i % ShortPerLong == 0 ? Long : Short);
        await using var target = await session.StartWarmAsync(repository.Path, mixed);
        var alone = MadeRequest.Make(package, seed, _ => Short);
        var rounds = await session.RoundsAsync("mixed beside short", async () =>
        {
            target.Requests = alone;
            var shortOnly = await target.ClosedAsync(session.Options.Duration);
            target.Requests = mixed;
            return (Short: shortOnly, Mixed: await target.ClosedAsync(session.Options.Duration));
        });
        session.Findings.Add("short histories (closed loop)", null, rounds.Select(r => r.Short));
        session.Findings.Add("mixed histories (closed loop)", null, rounds.Select(r => r.Mixed));
        session.Findings.Add(ServingGoals.Mixed, rounds.Select(r => r.Mixed.Goodput / r.Short.Goodput).Median());
    }
}
