namespace RecoServe.Trainer.Simulation;

/// <summary>What a session is watched on. The lower-case names are the values of the <c>device</c> column.</summary>
internal enum Device
{
    Tv,
    Phone,
    Tablet,
    Web,
}
