using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Models;

/// <summary>
/// Sums of tensors. TorchSharp's own make a scalar 1 for the factor of what is added and forget it during the native call: collected
/// meanwhile, it is another number or none. These hold theirs.
/// </summary>
internal static class TensorSum
{
    private static readonly Scalar One = 1.ToScalar();

    /// <summary>a + b.</summary>
    public static Tensor Plus(this Tensor a, Tensor b) => a.add(b, One);

    /// <inheritdoc cref="Plus(Tensor, Tensor)"/>
    public static Tensor Plus(this Tensor a, Scalar b) => a.add(b, One);

    /// <summary>a ← a + b; gives a.</summary>
    public static Tensor Increase(this Tensor a, Tensor b) => a.add_(b, One);

    /// <inheritdoc cref="Increase(Tensor, Tensor)"/>
    public static Tensor Increase(this Tensor a, Scalar b) => a.add_(b, One);
}
