namespace RecoServe.Engine;

/// <summary>What was left out of an answer under pressure.</summary>
public enum Degradation
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It was drawn from fewer items than asked.</summary>
    TopK,

    /// <summary>A smaller model answered.</summary>
    Model,

    /// <summary>Nothing was computed: it is the slate of someone of whom nothing is known.</summary>
    Popularity,
}
