using RecoServe.Engine.Sampling;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>What sampling allocates once its pooled memory is there.</summary>
internal static class Allocation
{
    /// <summary>Bytes that a call allocates on this thread, the most of any kind of row and way of asking.</summary>
    internal static double BytesPerCall()
    {
        var slots = new SlateSlot[10];
        SamplingParameters[] asked = [new(), new() { TopP = 0.5 }, new() { TopP = 0.99 }, new() { TopK = 100 }, new() { TopP = 1 }];
        return (from kind in RowKinds.All
                from items in RowSet.Sizes
                from parameters in asked
                select BytesPerCall(RowSet.Of(kind, items), parameters, slots)).Max();
    }

    private static double BytesPerCall(RowSet rows, in SamplingParameters parameters, SlateSlot[] slots)
    {
        var calls = 2 * rows.Rows.Count;
        var before = 0L;
        for (var call = 0; call < 2 * calls; call++)
        {
            if (call == calls)
                before = GC.GetAllocatedBytesForCurrentThread();
            NucleusSampler.Sample(rows.Next(), mask: null, parameters, slots);
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before) / (double)calls;
    }
}
