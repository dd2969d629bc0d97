using RecoServe.Engine.Packages;
using RecoServe.Trainer.Training;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Training;

[Collection(Torch.Collection)]
public sealed class TensorFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tensors").FullName;

    private string File => Path.Combine(_folder, "a.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Read_WhatWasWritten_IsTheSame()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (randn(3, 4), randn(5));
        TensorFile.Write(File, new Dictionary<string, Tensor> { ["a"] = a, ["b"] = b }, new Dictionary<string, string> { ["key"] = "\"value\"\n" });
        var (a2, b2) = (zeros(3, 4), zeros(5));
        var metadata = TensorFile.Read(File, new Dictionary<string, Tensor> { ["b"] = b2, ["a"] = a2 });
        Assert.Equal("\"value\"\n", metadata["key"]);
        Assert.Equal(a.data<float>().ToArray(), a2.data<float>().ToArray());
        Assert.Equal(b.data<float>().ToArray(), b2.data<float>().ToArray());
        Assert.Single(Directory.GetFiles(_folder));
    }

    /// <summary>A span holds less than 2 GiB: item tables are longer. Of 12 numbers in blocks of 5, the last is shorter.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(12)]
    [InlineData(100)]
    public void Bytes_InBlocks_AreTheTensors(long block)
    {
        using var scope = NewDisposeScope();
        var (a, read) = (randn(3, 4), zeros(3, 4));
        using var stream = new MemoryStream();
        TensorBytes.Write(a, stream, block);
        Assert.Equal(a.bytes.ToArray(), stream.ToArray());
        stream.Position = 0;
        TensorBytes.Read(stream, read, block);
        Assert.Equal(a.data<float>().ToArray(), read.data<float>().ToArray());
        stream.Position = 1;
        Assert.Throws<EndOfStreamException>(() => TensorBytes.Read(stream, read, block));
    }

    [Fact]
    public void Read_OtherShapeOrName_SaysWhich()
    {
        using var scope = NewDisposeScope();
        TensorFile.Write(File, new Dictionary<string, Tensor> { ["a"] = zeros(3, 4) }, new Dictionary<string, string>());
        var shape = Assert.Throws<PackageException>(() => TensorFile.Read(File, new Dictionary<string, Tensor> { ["a"] = zeros(4, 3) }));
        Assert.Contains("has a with shape [3,4]; [4, 3] was expected", shape.Message, StringComparison.Ordinal);
        var name = Assert.Throws<PackageException>(() => TensorFile.Read(File, new Dictionary<string, Tensor> { ["b"] = zeros(1) }));
        Assert.Contains("has no tensor b [1]", name.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    [InlineData(-4)]
    public void Read_CutFile_IsRefused(int length)
    {
        using var scope = NewDisposeScope();
        TensorFile.Write(File, new Dictionary<string, Tensor> { ["a"] = zeros(3, 4) }, new Dictionary<string, string>());
        var bytes = System.IO.File.ReadAllBytes(File);
        System.IO.File.WriteAllBytes(File, length > 0 ? bytes[..length] : bytes[..^-length]);
        Assert.Throws<PackageException>(() => TensorFile.Read(File, new Dictionary<string, Tensor> { ["a"] = zeros(3, 4) }));
    }
}
