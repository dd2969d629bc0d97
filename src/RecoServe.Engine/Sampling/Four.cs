using System.Runtime.CompilerServices;

namespace RecoServe.Engine.Sampling;

/// <summary>Four values, ascending where they are thresholds.</summary>
[InlineArray(4)]
internal struct Four<T>
{
    private T _first;
}
