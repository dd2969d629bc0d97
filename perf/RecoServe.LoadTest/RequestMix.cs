using Grpc.Core;
using RecoServe.Client;
using RecoServe.Contracts.V1;
using RecoServe.Engine.Packages;

namespace RecoServe.LoadTest;

/// <summary>
/// Seeded requests for one model, over several connections: histories of 0 to MaxHistory items chosen at random, a random
/// known value for every context field, a nucleus of 0.9. Every answer is checked for its number of items.
/// </summary>
internal sealed class RequestMix : IDisposable
{
    private const int RequestCount = 1024;
    private const int SlateSize = 10;

    private readonly RecoServeClient[] _clients;
    private readonly (RecommendRequest Request, int Items)[] _requests;

    /// <param name="address">The server.</param>
    /// <param name="connections">Connections, used in turn; under much load each becomes several.</param>
    /// <param name="package">The model that is asked.</param>
    /// <param name="seed">The same seed gives the same requests.</param>
    internal RequestMix(Uri address, int connections, ModelPackage package, int seed)
    {
        // A retry would be a second call that the schedule does not have.
        _clients = [.. Enumerable.Range(0, connections).Select(_ => new RecoServeClient(new RecoServeClientOptions { Address = address, MaxAttempts = 1 }))];
        var random = new Random(seed);
        _requests = [.. Enumerable.Range(0, RequestCount).Select(i => NewRequest(package, random, i))];
    }

    /// <summary>Makes call number i; its deadline is the client's default, one second.</summary>
    /// <exception cref="InvalidOperationException">The slate has another number of items than asked for.</exception>
    internal async Task<StatusCode> CallAsync(int i)
    {
        var (request, items) = _requests[i % RequestCount];
        try
        {
            var answer = await _clients[i % _clients.Length].RecommendAsync(request);
            return answer.Items.Count == items
                ? StatusCode.OK
                : throw new InvalidOperationException($"the answer to {request} has {answer.Items.Count} items instead of {items}");
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }

    public void Dispose()
    {
        foreach (var client in _clients)
            client.Dispose();
    }

    private static (RecommendRequest, int) NewRequest(ModelPackage package, Random random, int number)
    {
        var (manifest, catalogue) = (package.Manifest, package.Catalogue);
        var history = new int[random.Next(manifest.MaxHistory + 1)];
        foreach (ref var item in history.AsSpan())
            item = random.Next(1, manifest.ItemCount + 1);
        var request = new RecommendRequest
        {
            Model = new ModelSpec { Name = manifest.Name, Version = manifest.Version },
            UserId = $"user-{number}",
            History = { history.Select(item => new Watch { ItemId = catalogue.IdOf(item) }) },
            SlateSize = SlateSize,
            Sampling = new Sampling { Strategy = SamplingStrategy.Nucleus, TopP = 0.9 },
        };
        foreach (var field in manifest.ContextFields)
            request.Context.Add(field.Key, field.Values[random.Next(field.Values.Count)]);
        return (request, Math.Min(SlateSize, manifest.ItemCount - history.Distinct().Count()));
    }
}
