using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>A package as a graph of tensors: the encoder's inputs, and the outputs of encoder and scorer, as <see cref="PackageFiles"/> names them.</summary>
internal static class PackageTensors
{
    private static readonly string[] Outputs = [PackageFiles.State, PackageFiles.Logits];

    /// <summary>What the package reads and computes.</summary>
    internal static GraphSignature Signature(ModelManifest manifest, int maxBatchSize, TimeSpan maxQueueDelay, int instances)
    {
        List<TensorSpec> inputs = [
            new(PackageFiles.ItemsInput, TensorElementType.Int32, [-1, -1]),
            new(PackageFiles.LengthsInput, TensorElementType.Int32, [-1]),
        ];
        if (manifest.TimeGaps)
            inputs.Add(new(PackageFiles.GapsInput, TensorElementType.Int32, [-1, -1]));
        if (manifest.HistoryContext)
            inputs.Add(new(PackageFiles.HistoryContextInput, TensorElementType.Int32, [-1, -1, manifest.ContextFields.Count]));
        if (manifest.ContextFields.Count > 0)
            inputs.Add(new(PackageFiles.ContextInput, TensorElementType.Int32, [-1, manifest.ContextFields.Count]));
        return new GraphSignature(
            inputs,
            [new(Outputs[0], TensorElementType.Float, [-1, manifest.Dimension]), new(Outputs[1], TensorElementType.Float, [-1, manifest.ItemCount + 1])],
            maxBatchSize, maxQueueDelay, instances);
    }

    /// <summary>The history, its time gaps and contexts, and the context that a row of tensors holds.</summary>
    /// <exception cref="InvalidRequestException">A cell is none that the encoder reads.</exception>
    internal static EncoderInput Read(ModelManifest manifest, TensorRow row)
    {
        var inputs = row.Request.Inputs;
        var items = RowOf(inputs[0], row.Index);
        var length = RowOf(inputs[1], row.Index)[0];
        if (length < 1 || length > items.Length || length > manifest.MaxHistory + 1)
            throw Wrong(PackageFiles.LengthsInput, $"is {length}: it counts the start marker, and is 1 to {Math.Min(items.Length, manifest.MaxHistory + 1)} here");
        if (items[0] != 0)
            throw Wrong(PackageFiles.ItemsInput, $"begins with {items[0]}: the first cell is 0, the start marker");
        var history = items[1..length];
        if (history.IndexOfAnyExceptInRange(1, manifest.ItemCount) is >= 0 and var cell)
            throw Wrong(PackageFiles.ItemsInput, $"has {history[cell]} in cell {cell + 1}: item indexes are 1 to {manifest.ItemCount}");
        var gaps = manifest.TimeGaps ? RowOf(inputs[2], row.Index) : [];
        if (manifest.TimeGaps && (gaps.Length != items.Length || gaps.ContainsAnyExceptInRange(0, TimeGap.CodeCount - 1)))
            throw Wrong(PackageFiles.GapsInput, $"has {gaps.Length} cells: there are as many as items, {items.Length}, with codes from 0 (unknown) to {TimeGap.CodeCount - 1}");
        var fields = manifest.ContextFields;
        var watched = manifest.HistoryContext ? RowOf(inputs[^2], row.Index) : [];
        if (manifest.HistoryContext && watched.Length != items.Length * fields.Count)
            throw Wrong(PackageFiles.HistoryContextInput, $"has {watched.Length / fields.Count} cells: there are as many as items, {items.Length}");
        RequireCodes(PackageFiles.HistoryContextInput, watched);
        var context = fields.Count > 0 ? RowOf(inputs[^1], row.Index) : [];
        RequireCodes(PackageFiles.ContextInput, context);
        return new EncoderInput(
            history.ToArray(), context.ToArray(), manifest.TimeGaps ? gaps[1..length].ToArray() : default,
            manifest.HistoryContext ? watched[fields.Count..(length * fields.Count)].ToArray() : default);

        void RequireCodes(string input, ReadOnlySpan<int> codes)
        {
            for (var cell = 0; cell < codes.Length; cell++)
            {
                var field = fields[cell % fields.Count];
                if (codes[cell] < 0 || codes[cell] > field.Values.Count)
                    throw Wrong(input, $"has {codes[cell]} for \"{field.Key}\": codes are 0 (unknown) to {field.Values.Count}");
            }
        }

        InvalidRequestException Wrong(string input, string problem) => new($"inputs[{input}]", $"row {row.Index} {problem}");
    }

    /// <summary>Writes the outputs that are wanted.</summary>
    internal static void Write(RowResult<BatchOutput> result, TensorResponse response, TensorRow row)
    {
        for (var output = 0; output < row.Request.OutputNames.Count; output++)
        {
            var values = row.Request.OutputNames[output] == PackageFiles.State ? result.State : result.Logits;
            response.Write(output, row.Index, [values.Length], MemoryMarshal.AsBytes(values));
        }
    }

    private static ReadOnlySpan<int> RowOf(TensorData tensor, int row)
    {
        var cells = MemoryMarshal.Cast<byte, int>(tensor.Data.Span);
        var width = cells.Length / (int)tensor.Shape[0];
        return cells.Slice(row * width, width);
    }
}
