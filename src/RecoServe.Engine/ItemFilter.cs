using RecoServe.Engine.Packages;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine;

/// <summary>Turns a request's filter into the mask of items that may not be shown.</summary>
internal static class ItemFilter
{
    /// <summary>Builds the mask.</summary>
    /// <param name="catalogue">The version's items.</param>
    /// <param name="request">The request.</param>
    /// <param name="watched">Item indexes of its history; 0 for none.</param>
    /// <param name="unknown">Takes the ids that the catalogue does not have.</param>
    /// <exception cref="InvalidRequestException">A condition names an attribute the catalogue does not have.</exception>
    internal static ItemMask Build(Catalogue catalogue, SlateRequest request, ReadOnlySpan<int> watched, ISet<string> unknown)
    {
        var mask = ItemMask.Rent(catalogue.Count);
        try
        {
            if (request.CandidateIds.Count > 0)
                AllowOnly(mask, Query.Indexes(catalogue, request.CandidateIds, unknown));
            foreach (var index in Query.Indexes(catalogue, request.ExcludeItemIds, unknown))
                mask.Exclude(index);
            if (!request.IncludeWatched)
                mask.Exclude(watched);
            for (var i = 0; i < request.Where.Count; i++)
                Apply(mask, catalogue, request.Where[i], i);
            return mask;
        }
        catch
        {
            mask.Dispose();
            throw;
        }
    }

    private static void AllowOnly(ItemMask mask, IEnumerable<int> items)
    {
        mask.ExcludeAll();
        foreach (var item in items)
            mask.Allow(item);
    }

    private static void Apply(ItemMask mask, Catalogue catalogue, Condition condition, int position)
    {
        if (!catalogue.Attributes.TryGetValue(condition.Attribute, out var attribute))
        {
            throw new InvalidRequestException(
                $"filter.where[{position}].attribute",
                $"the model's items have no attribute \"{condition.Attribute}\"; they have: {string.Join(", ", catalogue.Attributes.Keys)}");
        }

        if (condition.Negated)
        {
            foreach (var value in condition.Values)
                mask.Exclude(attribute.ItemsWith(value));
            return;
        }

        using var having = ItemMask.Rent(catalogue.Count);
        having.ExcludeAll();
        foreach (var value in condition.Values)
            having.Allow(attribute.ItemsWith(value));
        mask.Exclude(having);
    }
}
