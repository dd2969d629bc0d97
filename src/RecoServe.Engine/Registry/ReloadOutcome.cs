namespace RecoServe.Engine.Registry;

/// <summary>What a look at the repository did about one version; of those that serve unchanged nothing is said.</summary>
/// <param name="Name">The model.</param>
/// <param name="Version">The version number.</param>
/// <param name="Action">What was done.</param>
/// <param name="Reason">Why it failed or was passed over; else empty.</param>
public sealed record ReloadOutcome(string Name, long Version, ReloadAction Action, string Reason = "");

/// <summary>What was done about a version.</summary>
public enum ReloadAction
{
    /// <summary>It serves now.</summary>
    Loaded = 1,

    /// <summary>It takes no new requests.</summary>
    Unloaded = 2,

    /// <summary>It could not be loaded.</summary>
    Failed = 3,

    /// <summary>The policy asks for it, and it was not tried.</summary>
    PassedOver = 4,
}
