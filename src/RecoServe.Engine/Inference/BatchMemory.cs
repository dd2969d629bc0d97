namespace RecoServe.Engine.Inference;

/// <summary>
/// The memory that one batch is computed into. Shared by the batch's rows and handed back for the next batch when the last of them has
/// released it; until then the memory is not written.
/// </summary>
internal abstract class BatchMemory
{
    private int _holders;

    /// <summary>Sets the number of <see cref="Release"/> calls after which the memory goes back; whoever reserves it holds it alone.</summary>
    internal void HoldFor(int holders) => Volatile.Write(ref _holders, holders);

    internal void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
            GiveBack();
    }

    /// <summary>Nobody reads it any more.</summary>
    protected abstract void GiveBack();
}
