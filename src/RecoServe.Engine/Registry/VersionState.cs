namespace RecoServe.Engine.Registry;

/// <summary>
/// State of a model version. Legal transitions: Loading → Warming → Serving → Draining → Unloaded, and Loading or Warming
/// → Failed. A version that is loaded again begins anew at Loading.
/// </summary>
public enum VersionState
{
    /// <summary>Files are being verified and sessions created.</summary>
    Loading = 1,

    /// <summary>Every batch size is run once and the golden probe is asked.</summary>
    Warming = 2,

    /// <summary>Leases are given out.</summary>
    Serving = 3,

    /// <summary>No new leases; the registry waits for those that are held.</summary>
    Draining = 4,

    /// <summary>All memory is free.</summary>
    Unloaded = 5,

    /// <summary>Loading failed; the reason is kept.</summary>
    Failed = 6,
}
