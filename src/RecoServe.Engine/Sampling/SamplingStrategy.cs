namespace RecoServe.Engine.Sampling;

/// <summary>How a slate is chosen from the logits.</summary>
public enum SamplingStrategy
{
    /// <summary>Drawn without replacement from the nucleus; ranks in order once the nucleus is exhausted.</summary>
    Nucleus,

    /// <summary>The most probable items in order; nothing is drawn.</summary>
    Greedy,

    /// <summary>Drawn without replacement from every eligible item (of the top k, if set): the nucleus of top_p = 1.</summary>
    Full,
}
