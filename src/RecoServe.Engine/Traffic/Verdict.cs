namespace RecoServe.Engine.Traffic;

/// <summary>That a canary is to be rolled back.</summary>
/// <param name="Kind">What it did badly.</param>
/// <param name="Reason">For people, with the figures.</param>
internal sealed record Verdict(VerdictKind Kind, string Reason);
