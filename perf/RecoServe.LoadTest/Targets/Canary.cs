using RecoServe.Engine.Packages;
using RecoServe.Testing;

namespace RecoServe.LoadTest.Targets;

/// <summary>New versions of a package, good ones and ones that are bad in a way of their own.</summary>
/// <param name="Name">What it is.</param>
/// <param name="IsGood">Whether it deserves to stay.</param>
/// <param name="Alter">Makes it of a copy; told the number of the trial.</param>
internal sealed record Canary(string Name, bool IsGood, Action<string, int> Alter)
{
    /// <summary>A good one differs as much as one that was trained again might: its rows by a twentieth of their size, at random.</summary>
    private const float Noise = 0.05f;

    /// <summary>Columns of the matrix that a slow one multiplies every state by.</summary>
    private const int Burden = 1 << 17;

    /// <summary>One good kind, and the bad ones.</summary>
    internal static IReadOnlyList<Canary> All(ModelPackage package) =>
    [
        new("good", true, (directory, trial) => PackageFixes.ChangeMatrix(directory, rows => Blur(rows, new Random(trial)))),
        new("NaN in a row of the item matrix", false, (directory, trial) => PackageFixes.PutNaN(directory, 1 + trial)),
        new("NaN after items that the probe does not ask with", false, (directory, trial) => EncoderFixes.PoisonItems(directory, PoisonOf(package, trial))),
        new("slow", false, (directory, _) => EncoderFixes.Burden(directory, Burden)),
        new("item matrix shuffled, probe recorded with it", false, (directory, trial) =>
            PackageFixes.ChangeMatrix(directory, rows => Shuffle(rows, package.Manifest.Dimension, new Random(trial)))),
    ];

    private static void Blur(float[] rows, Random random)
    {
        foreach (ref var x in rows.AsSpan())
            x *= 1 + (Noise * ((2 * random.NextSingle()) - 1));
    }

    /// <summary>A tenth of the items, none of the probe's.</summary>
    private static Func<int, bool> PoisonOf(ModelPackage package, int trial)
    {
        var probed = package.Probe.Cases.SelectMany(c => c.History).ToHashSet();
        return item => item % 10 == trial % 10 && !probed.Contains(package.Catalogue.IdOf(item));
    }

    private static void Shuffle(float[] rows, int dimension, Random random)
    {
        var from = rows.ToArray();
        var items = Enumerable.Range(1, (rows.Length / dimension) - 1).ToArray();
        var others = items.ToArray();
        random.Shuffle(others);
        foreach (var (item, other) in items.Zip(others))
            from.AsSpan(other * dimension, dimension).CopyTo(rows.AsSpan(item * dimension, dimension));
    }
}
