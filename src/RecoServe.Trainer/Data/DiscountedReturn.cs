namespace RecoServe.Trainer.Data;

/// <summary>
/// What a choice brings in the long run: its own reward and γ^k of the reward of the k-th watch after it, as long as those
/// begin within the horizon (Chen et al., WSDM 2019, use 4 to 10 hours).
/// </summary>
/// <param name="horizon">Milliseconds.</param>
/// <param name="discount">γ, above 0, at most 1.</param>
internal sealed class DiscountedReturn(double horizon, double discount)
{
    /// <summary>Σ γ^k rewards[first + k − 1] for k = 1, 2, … over the watches up to the horizon after a time.</summary>
    /// <param name="time">The time of the choice, milliseconds.</param>
    /// <param name="first">The first watch after the one that the choice led to.</param>
    /// <param name="times">The user's watches, ascending.</param>
    /// <param name="rewards">What each of them is worth.</param>
    public double After(long time, int first, ReadOnlySpan<long> times, ReadOnlySpan<float> rewards)
    {
        var (sum, share) = (0.0, 1.0);
        for (var i = first; i < times.Length && times[i] - time <= horizon; i++)
            sum += (share *= discount) * rewards[i];
        return sum;
    }
}
