using System.Runtime.Intrinsics.X86;
using RecoServe.Trainer.Models;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Models;

[Collection(Torch.Collection)]
public sealed class FastProductsTests
{
    [Fact]
    public void TrySet_OnAndOff_IsCloseAndThenBitForBitAsBefore()
    {
        using var scope = NewDisposeScope();
        manual_seed(1).Dispose();
        var (a, b) = (randn(64, 300), randn(300, 500));
        var exact = mm(a, b);
        try
        {
            Assert.Equal(OperatingSystem.IsLinux(), FastProducts.TrySet(true));
            var fast = mm(a, b);

            // As close as factors of 8 bits allow, and as far from exact as only another order of adding is: so it is switched. libtorch
            // leaves the switch alone where the processor lacks AVX-512, and the usual library adds in oneDNN's order on its maker's own.
            Assert.InRange((fast - exact).abs().max().item<float>(), OperatingSystem.IsLinux() && Avx512BW.IsSupported && IsAmd() ? 1e-9f : 0, 0.5f);
        }
        finally
        {
            FastProducts.TrySet(false);
        }

        Assert.Equal(exact.data<float>().ToArray(), mm(a, b).data<float>().ToArray());
    }

    /// <summary>Whether the processor's maker is "AuthenticAMD", by its first four letters.</summary>
    private static bool IsAmd() => X86Base.IsSupported && X86Base.CpuId(0, 0).Ebx == 0x6874_7541;
}
