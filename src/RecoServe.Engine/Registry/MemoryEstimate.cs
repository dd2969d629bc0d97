using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>What a version will take of memory at most, from its manifest alone: it is told before anything is read.</summary>
internal static class MemoryEstimate
{
    /// <summary>Sessions, threads and what the allocator rounds up.</summary>
    private const long Fixed = 8 << 20;

    /// <summary>Of an item: where its id, title and attributes are, by index and by text.</summary>
    private const long ItemOverhead = 64;

    /// <summary>Rows of the width of the user state that an encoder holds for each cell of a batch, with what its arena rounds up.</summary>
    private const long Activations = 8;

    /// <summary>Bytes, native and managed: item matrix and its packed copy, graphs, catalogue, output blocks, input and intermediate results of the workers.</summary>
    internal static long Of(ModelManifest manifest, RunnerOptions options)
    {
        var columns = manifest.ItemCount + 1L;
        var batch = options.BatchSizeFor(manifest.ItemCount);
        var matrix = columns * manifest.Dimension * sizeof(float);
        var graphs = 4 * (BytesOf(manifest, PackageFiles.Encoder) + BytesOf(manifest, PackageFiles.Scorer));
        var catalogue = (2 * BytesOf(manifest, PackageFiles.Catalogue)) + (columns * ItemOverhead);
        var outputs = options.OutputsFor(manifest.ItemCount) * batch * (columns + manifest.Dimension) * sizeof(float);
        var inputs = options.InstanceCount * batch * (manifest.MaxHistory + 2L + manifest.ContextFields.Count) * sizeof(int);
        var activations = options.InstanceCount * batch * (manifest.MaxHistory + 1L) * manifest.Dimension * sizeof(float) * Activations;
        return Fixed + activations + (2 * matrix) + (2 * columns * sizeof(float)) + graphs + catalogue + outputs + inputs;
    }

    /// <summary>Bytes of a plain graph: its files, weights packed by kernels, and what it computes with, of which nothing is known before it runs.</summary>
    internal static long OfGraph(string directory) => Fixed + (3 * GraphFiles.Of(directory).Sum(file => new FileInfo(file).Length));

    private static long BytesOf(ModelManifest manifest, string file) => manifest.Files.TryGetValue(file, out var checksum) ? checksum.Bytes : 0;
}
