namespace RecoServe.Trainer.Objectives;

/// <summary>How a row of feedback weighs: R is its reward, β the probability with which it was shown, π the policy's own.</summary>
internal enum ObjectiveKind
{
    /// <summary>R: the policy becomes β · R.</summary>
    Clicks,

    /// <summary>R / β: the policy becomes R, whatever was shown how often.</summary>
    Ips,

    /// <summary>R π / β, off-policy REINFORCE: the policy puts everything on the best item.</summary>
    Reinforce,

    /// <summary>R (π / β) K (1 − π)^(K − 1): the policy is the best to draw K items from.</summary>
    TopK,
}
