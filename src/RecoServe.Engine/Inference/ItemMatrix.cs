using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Inference;

/// <summary>
/// Item matrix [N + 1, d] and item biases [N + 1] of one model version. One copy in memory serves the encoder's input
/// embedding, the scorer's output weights and the scoring of single candidates (tied embeddings, Press &amp; Wolf 2017).
/// </summary>
public sealed class ItemMatrix : IDisposable
{
    private readonly NativeBuffer<float> _rows;
    private readonly NativeBuffer<float> _bias;

    private ItemMatrix(int itemCount, int dimension)
    {
        (ItemCount, Dimension) = (itemCount, dimension);
        _rows = new NativeBuffer<float>((itemCount + 1L) * dimension);
        _bias = new NativeBuffer<float>(itemCount + 1L);
    }

    /// <summary>Number of items N.</summary>
    public int ItemCount { get; }

    /// <summary>Width d of a row.</summary>
    public int Dimension { get; }

    /// <summary>Reads the matrix of an opened package.</summary>
    public static ItemMatrix Load(ModelPackage package)
    {
        var matrix = new ItemMatrix(package.Manifest.ItemCount, package.Manifest.Dimension);
        try
        {
            Fill(matrix._rows, package.PathOf(PackageFiles.ItemMatrix));
            Fill(matrix._bias, package.PathOf(PackageFiles.ItemBias));
            return matrix;
        }
        catch
        {
            matrix.Dispose();
            throw;
        }
    }

    /// <summary>The logit of item <paramref name="item"/>, 1…N, for a user state of length d.</summary>
    public float Logit(ReadOnlySpan<float> state, int item) =>
        TensorPrimitives.Dot(state, _rows.Slice((long)item * Dimension, Dimension)) + _bias.Slice(item, 1)[0];

    /// <inheritdoc/>
    public void Dispose()
    {
        _rows.Dispose();
        _bias.Dispose();
    }

    internal OrtValue RowsTensor() => _rows.AsTensor(TensorElementType.Float, ItemCount + 1L, Dimension);

    internal OrtValue BiasTensor() => _bias.AsTensor(TensorElementType.Float, ItemCount + 1L);

    private static void Fill(NativeBuffer<float> buffer, string path)
    {
        const int Block = 1 << 20;
        using var file = File.OpenHandle(path);
        for (var at = 0L; at < buffer.Length; at += Block)
        {
            var bytes = MemoryMarshal.AsBytes(buffer.Slice(at, (int)Math.Min(Block, buffer.Length - at)));
            for (var read = 0; read < bytes.Length;)
            {
                var n = RandomAccess.Read(file, bytes[read..], at * sizeof(float) + read);
                if (n == 0)
                    throw new PackageException(path, "ended early");
                read += n;
            }
        }
    }
}
