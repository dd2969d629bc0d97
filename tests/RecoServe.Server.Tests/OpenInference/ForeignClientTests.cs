using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Engine.Inference;
using RecoServe.Testing;

namespace RecoServe.Server.Tests.OpenInference;

/// <summary>
/// The server as a client sees it that shares nothing with it: Debian's grpcio, messages from the public field numbers, graphs from
/// Debian's onnx, and answers of ONNX Runtime called directly.
/// </summary>
public sealed class ForeignClientTests
{
    private static readonly Random Random = new(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Client_EveryModelAndMethod_GetsWhatOnnxRuntimeComputes()
    {
        Assert.SkipUnless(await Python.InstallAsync(Token), "needs Debian's python3-grpcio and python3-onnx, and could not install them");
        using var files = new TemporaryDirectory();
        await using var server = await StartAsync();
        var cases = Directory.EnumerateDirectories(server.Repository.Path).Order(StringComparer.Ordinal).Select(Ask).ToArray();
        Assert.Equal(["dense", "embedding", "fixed", "image", "labels", "types"], cases.Select(c => c.Model));
        await File.WriteAllTextAsync(files.File("cases.json"), JsonSerializer.Serialize(cases, JsonSerializerOptions.Web), Token);
        var output = await Python.RunAsync(["client.py", new Uri(server.GrpcAddress).Authority, files.File("cases.json")], Token);
        Assert.EndsWith("checks of 6 cases hold\n", output, StringComparison.Ordinal);
    }

    private static async Task<RunningServer> StartAsync()
    {
        using var models = new TemporaryDirectory();
        await Python.RunAsync(["models.py", models.Path], Token);
        return await RunningServer.StartAsync(repository =>
        {
            foreach (var model in Directory.EnumerateDirectories(models.Path))
                Directory.Move(model, Path.Combine(repository, Path.GetFileName(model)));
        });
    }

    /// <summary>Inputs of six rows, and what ONNX Runtime makes of them.</summary>
    private static InferenceCase Ask(string directory)
    {
        using var session = new InferenceSession(Path.Combine(directory, "1", "model.onnx"));
        using var run = new RunOptions();
        var inputs = session.InputMetadata.Select(i => (Name: i.Key, Value: RandomTensor(i.Value, i.Key == "ids" ? 50 : 3))).ToArray();
        using var outputs = session.Run(run, [.. inputs.Select(i => i.Name)], [.. inputs.Select(i => i.Value)], session.OutputNames);
        var asked = inputs.Select(i => Describe(i.Name, i.Value)).ToArray();
        var answered = session.OutputNames.Select((name, i) => Describe(name, outputs[i])).ToArray();
        foreach (var (_, value) in inputs)
            value.Dispose();
        return new InferenceCase(Path.GetFileName(directory), asked, answered);
    }

    private static OrtValue RandomTensor(NodeMetadata metadata, int below)
    {
        long[] shape = [.. metadata.Dimensions.Select((size, i) => (long)(size > 0 ? size : i == 0 ? 6 : 5))];
        var elements = (int)shape.Aggregate(1L, (product, size) => product * size);
        if (metadata.ElementDataType == TensorElementType.String)
        {
            var text = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, shape);
            string[] words = ["a", "b", "c", "ä", ""];
            for (var i = 0; i < elements; i++)
                text.StringTensorSetElementAt(words[Random.Next(words.Length)].AsSpan(), i);
            return text;
        }

        var value = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, metadata.ElementDataType, shape);
        var data = value.GetTensorMutableRawData();
        switch (metadata.ElementDataType)
        {
            case TensorElementType.Float:
                foreach (ref var f in MemoryMarshal.Cast<byte, float>(data))
                    f = (float)Random.NextDouble() - 0.5f;
                break;
            case TensorElementType.Double:
                foreach (ref var d in MemoryMarshal.Cast<byte, double>(data))
                    d = Random.NextDouble() - 0.5;
                break;
            case TensorElementType.Bool:
                foreach (ref var b in data)
                    b = (byte)Random.Next(2);
                break;
            case TensorElementType.Int64:
                foreach (ref var i in MemoryMarshal.Cast<byte, long>(data))
                    i = Random.Next(below);
                break;
            default: // any bits are a number
                Random.NextBytes(data);
                break;
        }

        return value;
    }

    private static CaseTensor Describe(string name, OrtValue value)
    {
        var (info, raw) = (value.GetTensorTypeAndShape(), new MemoryStream());
        if (info.ElementDataType != TensorElementType.String)
            raw.Write(value.GetTensorMutableRawData());
        for (var i = 0; info.ElementDataType == TensorElementType.String && i < info.ElementCount; i++)
        {
            var text = Encoding.UTF8.GetBytes(value.GetStringElement(i));
            raw.Write(BitConverter.GetBytes((uint)text.Length));
            raw.Write(text);
        }

        return new CaseTensor(name, TensorData.NameOf(info.ElementDataType), info.Shape, raw.ToArray());
    }

    private sealed record InferenceCase(string Model, CaseTensor[] Inputs, CaseTensor[] Outputs);

    private sealed record CaseTensor(string Name, string Datatype, long[] Shape, byte[] Data);
}
