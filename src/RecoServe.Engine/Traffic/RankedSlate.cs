using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Traffic;

/// <summary>The most probable items of a version for one request, and the log-probability of every other.</summary>
internal sealed class RankedSlate
{
    /// <summary>Items that are compared at most.</summary>
    private const int MaxItems = 100;

    private readonly Catalogue _catalogue;
    private readonly float[] _logits;
    private readonly double _normaliser;

    private RankedSlate(Catalogue catalogue, float[] logits, IReadOnlyList<string> items) =>
        (_catalogue, _logits, Items, _normaliser) = (catalogue, logits, items, NucleusSampler.LogSumExp(logits));

    /// <summary>Item ids, the most probable first.</summary>
    internal IReadOnlyList<string> Items { get; }

    /// <summary>Over the whole catalogue; null if the version does not know the item.</summary>
    internal double? LogProbabilityOf(string id) => _catalogue.TryGetIndex(id, out var item) ? _logits[item] - _normaliser : null;

    /// <summary>Computes a request again, when nobody else waits.</summary>
    /// <exception cref="InvalidRequestException">The version has no such attribute.</exception>
    /// <exception cref="InvalidLogitsException">NaN or +∞.</exception>
    internal static async Task<RankedSlate> ComputeAsync(ModelLease lease, SlateRequest request, CancellationToken cancellationToken)
    {
        var unknown = new HashSet<string>();
        var query = Query.Encode(lease.Package, Query.Known(lease.Package, request), unknown);
        using var mask = ItemFilter.Build(lease.Package.Catalogue, request, query.Watched, unknown);
        float[] logits;
        using (var row = await lease.Batcher.RunAsync(new RowRequest<EncoderInput>(query.Input, WantsLogits: true, DateTimeOffset.MaxValue, RequestPriority.Low), cancellationToken))
            logits = row.Logits.ToArray(); // its memory is for those who wait
        var slots = new SlateSlot[Math.Min(Math.Min(request.SlateSize, MaxItems), lease.Package.Catalogue.Count)];
        var count = NucleusSampler.Sample(logits, mask, new SamplingParameters { Strategy = SamplingStrategy.Greedy }, slots).Count;
        return new RankedSlate(lease.Package.Catalogue, logits, [.. slots.Take(count).Select(s => lease.Package.Catalogue.IdOf(s.Item))]);
    }
}
