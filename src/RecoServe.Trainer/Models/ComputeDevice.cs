using RecoServe.Trainer.Data;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Models;

/// <summary>What a training computes on.</summary>
internal enum DeviceKind
{
    /// <summary>A GPU if libtorch finds one, or else the CPU.</summary>
    Auto,

    /// <summary>The CPU.</summary>
    Cpu,

    /// <summary>The first GPU of CUDA.</summary>
    Cuda,
}

/// <summary>
/// The device of the process: torch makes every tensor there for which no other is named. Nothing in the trainer names one; numbers are read,
/// and files written, from copies on the CPU.
/// </summary>
internal static class ComputeDevice
{
    /// <summary>Loads torch, and has it compute on a device from now on.</summary>
    /// <returns>The device, in torch's words.</returns>
    /// <exception cref="DataException">There is no such device.</exception>
    public static string Use(DeviceKind kind)
    {
        LibTorch.EnsureLoaded();
        var hasGpu = kind != DeviceKind.Cpu && cuda.is_available();
        if (kind == DeviceKind.Cuda && !hasGpu)
            throw new DataException("--device cuda: libtorch finds no GPU; it takes a build with -p:TorchFlavor=gpu and a driver for CUDA 12.8");
        set_default_device(hasGpu ? CUDA : CPU);
        return $"{get_default_device()}";
    }
}
