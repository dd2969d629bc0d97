using RecoServe.Engine.Packages;

namespace RecoServe.Trainer.Evaluation;

/// <summary>Which items are premium: those whose attribute <c>premium</c> is true, 1 or yes.</summary>
internal static class PremiumItems
{
    /// <summary>N + 1 answers by item index; null if items do not have the attribute.</summary>
    public static bool[]? Of(Catalogue catalogue)
    {
        if (!catalogue.Attributes.TryGetValue("premium", out var premium))
            return null;
        var isPremium = new bool[catalogue.Count + 1];
        foreach (var value in premium.Values.Where(v => v.ToLowerInvariant() is "true" or "1" or "yes"))
        {
            foreach (var item in premium.ItemsWith(value))
                isPremium[item] = true;
        }

        return isPremium;
    }
}
