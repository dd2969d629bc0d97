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

    /// <summary>Items that are compared at least: two good versions often differ in the very first.</summary>
    private const int LeastItems = 10;

    /// <summary>Items whose order is compared at most: of two versions that have nothing to do with each other its correlation is within ±0.05 then.</summary>
    private const int MaxRanked = 200;

    private readonly Catalogue _catalogue;
    private readonly float[] _logits;
    private readonly double _normaliser;

    private RankedSlate(Catalogue catalogue, float[] logits, IReadOnlyList<string> ranked, int items, int eligible) =>
        (_catalogue, _logits, Ranked, Items, Eligible, _normaliser) = (catalogue, logits, ranked, [.. ranked.Take(items)], eligible, NucleusSampler.LogSumExp(logits));

    /// <summary>Item ids of the slate, of at least ten if there are so many, the most probable first.</summary>
    internal IReadOnlyList<string> Items { get; }

    /// <summary>Those and the next ones, at most 200: of a small catalogue, or of a few candidates, all that are eligible.</summary>
    internal IReadOnlyList<string> Ranked { get; }

    /// <summary>Items that the slate was chosen from.</summary>
    internal int Eligible { get; }

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
        return Of(lease.Package.Catalogue, logits, mask, Math.Max(LeastItems, request.SlateSize));
    }

    /// <summary>Ranks the items that a mask leaves.</summary>
    /// <exception cref="InvalidLogitsException">NaN or +∞.</exception>
    internal static RankedSlate Of(Catalogue catalogue, float[] logits, ItemMask? mask, int slateSize)
    {
        var slots = new SlateSlot[Math.Min(MaxRanked, catalogue.Count)];
        var count = NucleusSampler.Sample(logits, mask, new SamplingParameters { Strategy = SamplingStrategy.Greedy }, slots).Count;
        return new RankedSlate(catalogue, logits, [.. slots.Take(count).Select(s => catalogue.IdOf(s.Item))], Math.Min(slateSize, MaxItems), mask?.EligibleCount ?? catalogue.Count);
    }
}
