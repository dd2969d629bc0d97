using RecoServe.Client;
using RecoServe.Contracts.V1;
using RecoServe.Engine.Packages;
using RecoServe.Testing;
using VersionState = RecoServe.Contracts.V1.VersionState;

namespace RecoServe.LoadTest;

/// <summary>The model repository that the server is started with: a given one, or a made one that ends with the test.</summary>
internal sealed class Repository : IDisposable
{
    private readonly TemporaryDirectory? _temporary;

    /// <param name="models">A repository, used if <paramref name="items"/> is null.</param>
    /// <param name="items">Size of the catalogue of a made model.</param>
    internal Repository(string models, int? items)
    {
        if (items is null)
        {
            Path = models;
            return;
        }

        _temporary = new TemporaryDirectory();
        Path = _temporary.Path;
        // Items in [−½, ½)⁶⁴: the logits after ten watches have a standard deviation of about 2, like those of trained models.
        new TestModel { Name = "made", ItemCount = items.Value, Dimension = 64, Row = (item, column) => Hash(item, column) - 0.5f }.Publish(Path);
    }

    /// <summary>The directory.</summary>
    internal string Path { get; }

    /// <summary>The package that a server of this repository answers from by default.</summary>
    internal async Task<ModelPackage> ServedPackageAsync(Uri address)
    {
        using var client = new RecoServeClient(new RecoServeClientOptions { Address = address });
        var list = await client.Models.ListModelsAsync(new ListModelsRequest());
        var model = list.Models.FirstOrDefault(m => m.Default) ?? list.Models[0];
        var version = model.Versions.First(v => v.State == VersionState.Serving).Version;
        return ModelPackage.Open(System.IO.Path.Combine(Path, model.Name, $"{version}"));
    }

    public void Dispose() => _temporary?.Dispose();

    /// <summary>A number in [0, 1) that depends on nothing but the two (the finaliser of MurmurHash3).</summary>
    private static float Hash(int item, int column)
    {
        var x = ((uint)item * 0x9E3779B9) ^ ((uint)column * 0x85EBCA6B);
        x = (x ^ (x >> 16)) * 0x85EBCA6B;
        x = (x ^ (x >> 13)) * 0xC2B2AE35;
        return ((x ^ (x >> 16)) >> 8) * (1f / (1 << 24));
    }
}
