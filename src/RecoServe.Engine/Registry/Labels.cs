namespace RecoServe.Engine.Registry;

/// <summary>Labels that mean something to the server; any other is only a name.</summary>
public static class Labels
{
    /// <summary>Answers requests that name neither version nor label.</summary>
    public const string Stable = "stable";

    /// <summary>Answers a share of them, and is rolled back by itself when it does badly.</summary>
    public const string Canary = "canary";
}
