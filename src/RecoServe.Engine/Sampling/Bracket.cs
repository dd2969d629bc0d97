namespace RecoServe.Engine.Sampling;

/// <summary>Where the end of a nucleus is expected.</summary>
/// <param name="Low">At or below its last logit; the least number there is if there is no telling.</param>
/// <param name="High">Above its last logit.</param>
internal readonly record struct Bracket(float Low, float High);
