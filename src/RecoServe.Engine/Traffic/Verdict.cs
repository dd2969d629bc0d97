namespace RecoServe.Engine.Traffic;

/// <summary>That a canary is to be rolled back.</summary>
/// <param name="Kind">For metrics: <c>invalid</c>, <c>errors</c>, <c>latency</c> or <c>drift</c>.</param>
/// <param name="Reason">For people, with the figures.</param>
internal sealed record Verdict(string Kind, string Reason);
