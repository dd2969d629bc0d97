using RecoServe.Trainer.Models;
using TorchSharp;

namespace RecoServe.Trainer.Tests.Models;

public sealed class LibTorchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("libtorch").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void EnsureLoaded_FromManyThreads_MakesTorchUsable()
    {
        Parallel.For(0, 8, _ => LibTorch.EnsureLoaded());
        using var sum = torch.arange(5).sum();
        Assert.Equal(10, sum.item<long>());
    }
}
