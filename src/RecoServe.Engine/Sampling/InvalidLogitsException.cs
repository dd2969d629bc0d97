namespace RecoServe.Engine.Sampling;

/// <summary>A model gave a logit that no probability follows from: NaN or +∞. (−∞ is valid: not eligible.)</summary>
/// <param name="item">Index of the first such item.</param>
/// <param name="logit">Its logit.</param>
public sealed class InvalidLogitsException(int item, float logit)
    : Exception($"the logit of item {item} is {(float.IsNaN(logit) ? "NaN" : "+∞")}; logits must be finite, or −∞ for an item that is not eligible")
{
    /// <summary>Index of the first item at fault.</summary>
    public int Item { get; } = item;
}
