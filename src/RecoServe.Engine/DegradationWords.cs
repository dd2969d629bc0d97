using System.Diagnostics;

namespace RecoServe.Engine;

/// <summary>How answers and metrics name what was left out.</summary>
public static class DegradationWords
{
    /// <summary>The word; empty for nothing.</summary>
    public static string ToWord(this Degradation degradation) => degradation switch
    {
        Degradation.None => "",
        Degradation.TopK => "top_k",
        Degradation.Model => "model",
        Degradation.Popularity => "popularity",
        _ => throw new UnreachableException(),
    };
}
