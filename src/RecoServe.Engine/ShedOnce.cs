namespace RecoServe.Engine;

/// <summary>Makes a request of several rows count once as shed, for the first of its rows. Thread-safe.</summary>
internal sealed class ShedOnce
{
    private int _taken;

    /// <summary>Whether this is the first call.</summary>
    internal bool TryTake() => Interlocked.Exchange(ref _taken, 1) == 0;
}
