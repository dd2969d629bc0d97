using System.Globalization;
using RecoServe.Engine.Registry;

[assembly: CollectionBehavior(CollectionBehavior.CollectionPerAssembly)]

namespace RecoServe.Memory.Tests;

/// <summary>Memory of this process, garbage collected first.</summary>
/// <param name="Managed">Objects that are held.</param>
/// <param name="Native">What native code and native buffers hold.</param>
/// <param name="Resident">What the system has given: grows too if freed memory cannot be used again.</param>
internal readonly record struct MemoryUse(long Managed, long Native, long Resident)
{
    internal static MemoryUse Now()
    {
        var managed = GC.GetTotalMemory(forceFullCollection: true);

        // The collector keeps what it has for objects to come: as much as the processor's cache holds, which may be hundreds of megabytes.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return new(managed, NativeHeap.BytesInUse() ?? 0, ReadResident());
    }

    private static long ReadResident() => OperatingSystem.IsLinux()
        ? long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize
        : 0;

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"managed {Managed / 1e6:F1} MB, native {Native / 1e6:F1} MB, resident {Resident / 1e6:F1} MB");
}
