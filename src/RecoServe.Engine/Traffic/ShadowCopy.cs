using RecoServe.Engine.Registry;

namespace RecoServe.Engine.Traffic;

/// <summary>A copy of a request that has been answered.</summary>
/// <param name="Request">The request.</param>
/// <param name="Reference">The version that answers, or would have answered.</param>
/// <param name="Compared">The version that is compared with it.</param>
/// <param name="Done">Gets the comparison, if somebody judges by it.</param>
internal sealed record ShadowCopy(SlateRequest Request, ModelVersion Reference, ModelVersion Compared, Action<SlateComparison>? Done);
