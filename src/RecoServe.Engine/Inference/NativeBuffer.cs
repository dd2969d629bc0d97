using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace RecoServe.Engine.Inference;

/// <summary>
/// A block of unmanaged memory, aligned to 64 bytes, that ONNX Runtime reads and writes in place. Never moved by the
/// garbage collector, which is why native code may hold its address.
/// </summary>
internal sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    private T* _data;

    internal NativeBuffer(long length)
    {
        Length = length;
        _data = (T*)NativeMemory.AlignedAlloc(checked((nuint)Math.Max(1, length) * (nuint)sizeof(T)), 64);
    }

    /// <summary>Number of elements.</summary>
    internal long Length { get; }

    /// <summary>A span of <paramref name="length"/> elements from <paramref name="start"/>.</summary>
    internal Span<T> Slice(long start, int length)
    {
        ObjectDisposedException.ThrowIf(_data is null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + length, Length);
        return new Span<T>(_data + start, length);
    }

    /// <summary>The first elements as a tensor over the same memory; the buffer must outlive it.</summary>
    internal OrtValue AsTensor(TensorElementType type, params long[] shape)
    {
        ObjectDisposedException.ThrowIf(_data is null, this);
        var elements = 1L;
        foreach (var size in shape)
            elements *= size;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elements, Length);
        return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, type, shape, (nint)_data, elements * sizeof(T));
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_data);
        _data = null;
    }
}
