using static TorchSharp.torch;

namespace RecoServe.Trainer.Training;

/// <summary>The bytes of contiguous float32 tensors, block by block: a span, which is what TorchSharp gives of a tensor, holds less than 2 GiB.</summary>
internal static class TensorBytes
{
    /// <summary>Numbers at a time: 256 MiB.</summary>
    private const long Block = 64 << 20;

    /// <summary>Writes a tensor's numbers.</summary>
    /// <param name="tensor">On any device.</param>
    /// <param name="stream">Where to.</param>
    /// <param name="block">Numbers at a time.</param>
    public static void Write(Tensor tensor, Stream stream, long block = Block)
    {
        using var scope = NewDisposeScope();
        var flat = tensor.detach().view(-1);
        for (long start = 0; start < flat.shape[0]; start += block)
        {
            using var inner = NewDisposeScope();
            stream.Write(flat.narrow(0, start, Math.Min(block, flat.shape[0] - start)).cpu().bytes);
        }
    }

    /// <summary>Reads a tensor's numbers into it.</summary>
    /// <param name="stream">Where from.</param>
    /// <param name="into">On any device.</param>
    /// <param name="block">Numbers at a time.</param>
    /// <exception cref="EndOfStreamException">There are too few.</exception>
    public static void Read(Stream stream, Tensor into, long block = Block)
    {
        using var scope = NewDisposeScope();
        var flat = into.detach().view(-1);
        for (long start = 0; start < flat.shape[0]; start += block)
        {
            using var inner = NewDisposeScope();
            var part = flat.narrow(0, start, Math.Min(block, flat.shape[0] - start));
            var numbers = part.cpu(); // of a tensor on the CPU the same memory
            stream.ReadExactly(numbers.bytes);
            if (part.device_type != TorchSharp.DeviceType.CPU)
                part.copy_(numbers);
        }
    }
}
