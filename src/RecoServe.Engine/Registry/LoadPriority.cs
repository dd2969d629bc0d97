namespace RecoServe.Engine.Registry;

/// <summary>Who comes first, the work of loading or those who serve.</summary>
internal enum LoadPriority
{
    /// <summary>Neither.</summary>
    Normal,

    /// <summary>Those who serve, but a small share of the cores is loading's (<see cref="LoadThread.Nice"/>).</summary>
    Low,
}
