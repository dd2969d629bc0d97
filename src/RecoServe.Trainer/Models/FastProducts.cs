using System.Runtime.InteropServices;

namespace RecoServe.Trainer.Models;

/// <summary>
/// Which library multiplies libtorch's float32 matrices on a CPU. The usual one leaves half of the vector width unused on
/// processors that are not its maker's; oneDNN, which libtorch has too, took half of the time there. It may round the factors
/// to bfloat16 where the processor multiplies those in hardware tiles. Without AVX-512 libtorch leaves products as they are.
/// </summary>
/// <remarks>
/// torch calls the switch <c>set_float32_matmul_precision("medium")</c>. TorchSharp does not have it, so it is called by its name
/// in libtorch; where a libtorch lacks the name, nothing is switched.
/// </remarks>
internal static unsafe class FastProducts
{
    private const string Context = "_ZN2at13globalContextEv";
    private const string SetPrecision = "_ZN2at7Context19setFloat32PrecisionENS_14Float32BackendENS_9Float32OpENS_16Float32PrecisionE";

    /// <summary>at::Float32Backend, at::Float32Op and at::Float32Precision by number.</summary>
    private const int OneDnn = 2, MatrixProduct = 3, Exact = 1, BFloat16 = 3;

    /// <summary>Switches the whole process.</summary>
    /// <param name="fast">oneDNN, or the usual library.</param>
    /// <returns>Whether this libtorch has the switch.</returns>
    public static bool TrySet(bool fast)
    {
        LibTorch.EnsureLoaded();
        if (!OperatingSystem.IsLinux())
            return false;
        var torch = NativeLibrary.Load(LibTorch.PathOf("libtorch_cpu.so"));
        if (!NativeLibrary.TryGetExport(torch, Context, out var context) || !NativeLibrary.TryGetExport(torch, SetPrecision, out var set))
            return false;
        ((delegate* unmanaged<nint, int, int, int, void>)set)(
            ((delegate* unmanaged<nint>)context)(), OneDnn, MatrixProduct, fast ? BFloat16 : Exact);
        return true;
    }
}
