namespace RecoServe.Engine.Sampling;

/// <summary>
/// What is known for certain of a row from a window that is not all of it: the items above the window's lowest logit are the
/// row's most probable.
/// </summary>
internal readonly ref struct WindowTop
{
    private readonly Softmax _softmax;
    private readonly double _error;
    private readonly double _edgeWeight;
    private readonly int _windowCount;

    /// <summary>Takes the items above the edge; the others are overwritten.</summary>
    /// <param name="window">The eligible items of the window.</param>
    /// <param name="edge">The lowest logit among them.</param>
    /// <param name="softmax">Over the whole row.</param>
    /// <param name="error">Bound on the relative error of its total.</param>
    public WindowTop(in Candidates window, float edge, in Softmax softmax, double error)
    {
        _windowCount = window.Count;
        (_softmax, _error, _edgeWeight) = (softmax, error, softmax.Weight(edge));
        Candidates = window.Retain(RankKey.Of(MathF.BitIncrement(edge), int.MaxValue));
    }

    /// <summary>The items above the edge.</summary>
    public Candidates Candidates { get; }

    /// <summary>Whether a slate comes from these items only.</summary>
    /// <param name="parameters">How the slate is sampled.</param>
    /// <param name="slotCount">Slots to fill.</param>
    /// <param name="eligibleCount">Eligible items of the row, more than are in the window.</param>
    /// <param name="scratch">Memory for as many items.</param>
    /// <param name="nucleus">The nucleus, unless it follows from these items alone.</param>
    public bool Covers(
        in SamplingParameters parameters, int slotCount, int eligibleCount, in SamplerScratch scratch, out RankedPrefix? nucleus)
    {
        nucleus = null;
        var topK = parameters.TopK == 0 ? eligibleCount : parameters.TopK;
        if (Math.Min(slotCount, topK) > Candidates.Count)
            return false;
        if (parameters.Strategy == SamplingStrategy.Greedy || topK <= Candidates.Count)
            return true;
        if (parameters.Strategy == SamplingStrategy.Full || parameters.TopP == 1)
            return false;

        // Whichever of the ties are outside: the k most probable weigh the same.
        var isInside = topK <= _windowCount;
        var mass = isInside ? OrderedSum.Of(Candidates.Weights) + ((topK - Candidates.Count) * _edgeWeight) : _softmax.Total;
        if (!isInside && topK < eligibleCount)
            return false;
        nucleus = Nucleus((parameters.TopP - NucleusSampler.MassTolerance) * mass, isInside ? WindowSampler.SumError : _error, scratch);
        return nucleus is not null;
    }

    /// <summary>The nucleus of a mass that is known but for a relative error; null if it may be larger than what is known.</summary>
    private RankedPrefix? Nucleus(double mass, double error, in SamplerScratch scratch)
    {
        if (Candidates.Count == 0)
            return null;
        var nucleus = RankSelection.Select(Candidates, Candidates.Count, mass * Math.Exp(-error), scratch.Positions);
        return MassOf(nucleus) >= mass * Math.Exp(error) ? nucleus : null;
    }

    private double MassOf(RankedPrefix prefix)
    {
        var (items, logits, weights) = Candidates;
        var mass = default(CompensatedSum);
        for (var i = 0; i < weights.Length; i++)
        {
            if (RankKey.Of(logits[i], items[i]) <= prefix.Last)
                mass.Add(weights[i]);
        }

        return mass.Value;
    }
}
