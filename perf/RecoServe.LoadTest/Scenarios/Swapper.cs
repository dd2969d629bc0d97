using Grpc.Core;
using RecoServe.Contracts.V1;
using RecoServe.LoadGenerator;
using RecoServe.LoadTest.Targets;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>Swaps the two versions of <see cref="Models.Twins"/> on a server, and makes calls whose answers are checked.</summary>
internal sealed class Swapper(Target target, string model, TimeProvider clock)
{
    /// <summary>What was seen of the versions.</summary>
    internal VersionCheck Versions { get; } = new();

    /// <summary>Swaps so often, one a period or as fast as it goes.</summary>
    internal async Task SwapAsync(int count, TimeSpan period)
    {
        var start = clock.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            if ((i * period) - clock.GetElapsedTime(start) is { Ticks: > 0 } early)
                await Task.Delay(early, clock);
            var (old, next) = (Versions.Serving, Versions.Next);
            Versions.BeginSwap();
            await target.Models.LoadVersionAsync(new LoadVersionRequest { Name = model, Version = next });
            await target.Models.UnloadVersionAsync(new UnloadVersionRequest { Name = model, Version = old });
            Versions.EndSwap();
        }
    }

    /// <summary>Makes call number i.</summary>
    internal Task<StatusCode> CallAsync(int i)
    {
        var before = Versions.Phase;
        return target.CallAsync(i, (answer, _) => Versions.Check(answer, before));
    }
}
