namespace RecoServe.Trainer.Training;

/// <summary>How the step size falls after the warm-up.</summary>
internal enum DecayKind
{
    /// <summary>By halves, whenever validation stops improving.</summary>
    None,

    /// <summary>Along half a cosine, over planned epochs, to 0 (Loshchilov and Hutter 2017, without restarts).</summary>
    Cosine,

    /// <summary>Evenly, over planned epochs, to 0.</summary>
    Linear,
}
