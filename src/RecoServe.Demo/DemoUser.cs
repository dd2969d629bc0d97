using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using RecoServe.Contracts.V1;

namespace RecoServe.Demo;

/// <summary>A simulated user, as the simulator writes them.</summary>
internal sealed record DemoUser(string UserId, string Device, string Country, IReadOnlyList<DemoWatch> History)
{
    private static readonly JsonSerializerOptions SnakeCase = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Reads one user of a file: the one named, or the first.</summary>
    internal static DemoUser? Choose(string file, string? userId)
    {
        var users = JsonSerializer.Deserialize<DemoUser[]>(File.ReadAllText(file), SnakeCase)!;
        return Array.Find(users, u => userId is null || u.UserId == userId);
    }

    internal RecommendRequest ToRequest() => new()
    {
        RequestId = $"demo-{UserId}",
        UserId = UserId,
        History = { History.Select(w => new Watch { ItemId = w.ItemId, WatchedAt = w.WatchedAt.ToTimestamp() }) },
        Context = { ["device"] = Device, ["country"] = Country },
        Sampling = new Sampling { Strategy = SamplingStrategy.Nucleus, TopP = 0.9 },
        IncludeTimings = true,
    };
}

/// <summary>One watch of a simulated user.</summary>
internal sealed record DemoWatch(string ItemId, string Title, DateTimeOffset WatchedAt);
