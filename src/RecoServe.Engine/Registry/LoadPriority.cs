namespace RecoServe.Engine.Registry;

/// <summary>Who comes first, the work of loading or those who serve.</summary>
internal enum LoadPriority
{
    /// <summary>Neither.</summary>
    Normal,

    /// <summary>Those who serve, but a small share of the cores is loading's (<see cref="LoadThread.Nice"/>).</summary>
    Low,

    /// <summary>
    /// Those who serve, always: whoever of them wakes has the core at once. For work that nobody waits for, and that holds nothing
    /// that others need: neither the lock of a collection nor memory of the process.
    /// </summary>
    Idle,
}
