using System.Runtime.CompilerServices;
using RecoServe.Trainer.Models;

namespace RecoServe.Trainer.Tests;

/// <summary>
/// What all tests with tensors share. torch has one generator and one thread count for the process: such tests are of one
/// collection, so that none runs beside another.
/// </summary>
internal static class Torch
{
    public const string Collection = "torch";

    /// <summary>
    /// Tests use tensors before anything of ours has loaded libtorch. Their tensors are small: on a busy machine two threads
    /// that wait for each other are ten times slower than one.
    /// </summary>
    [ModuleInitializer]
    internal static void Load()
    {
        LibTorch.EnsureLoaded();
        TorchSharp.torch.set_num_threads(1);
    }
}
