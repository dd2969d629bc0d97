using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using RecoServe.Engine.Packages;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Training;

/// <summary>
/// Named float32 tensors and a few strings in one file of the open "safetensors" format: 8 bytes length of a JSON header,
/// the header, the numbers. A <see cref="WholeFile"/>.
/// </summary>
internal static class TensorFile
{
    private const string MetadataKey = "__metadata__";

    /// <summary>Writes all tensors, which are contiguous.</summary>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var header = new JsonObject { [MetadataKey] = new JsonObject(metadata.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value))) };
        var end = 0L;
        foreach (var (name, tensor) in tensors)
        {
            var start = end;
            end += tensor.numel() * sizeof(float);
            header[name] = new JsonObject
            {
                ["dtype"] = "F32",
                ["shape"] = new JsonArray([.. tensor.shape.Select(n => (JsonNode)n)]),
                ["data_offsets"] = new JsonArray(start, end),
            };
        }

        WholeFile.Write(path, file =>
        {
            var text = JsonSerializer.SerializeToUtf8Bytes(header);
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
            file.Write(length);
            file.Write(text);
            foreach (var tensor in tensors.Values)
                TensorBytes.Write(tensor, file);
        });
    }

    /// <summary>Reads a file's numbers into tensors that exist, all of them.</summary>
    /// <returns>The file's strings.</returns>
    /// <exception cref="PackageException">The file is damaged, or lacks a tensor of this name and shape.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path, IReadOnlyDictionary<string, Tensor> into)
    {
        using var file = File.OpenRead(path);
        var (header, start) = Header(path, file);
        foreach (var (name, tensor) in into)
        {
            var shape = string.Join(", ", tensor.shape);
            if (header[name] is not { } entry)
                throw new PackageException(path, $"has no tensor {name} [{shape}]");
            if (!entry["shape"]!.AsArray().Select(n => n!.GetValue<long>()).SequenceEqual(tensor.shape))
                throw new PackageException(path, $"has {name} with shape {entry["shape"]!.ToJsonString()}; [{shape}] was expected");
            file.Position = start + entry["data_offsets"]![0]!.GetValue<long>();
            TensorBytes.Read(file, tensor);
        }

        return header[MetadataKey]!.AsObject().ToDictionary(m => m.Key, m => m.Value!.GetValue<string>());
    }

    private static (JsonObject Header, long Start) Header(string path, FileStream file)
    {
        try
        {
            Span<byte> length = stackalloc byte[8];
            file.ReadExactly(length);
            var text = new byte[checked((int)BinaryPrimitives.ReadInt64LittleEndian(length))];
            file.ReadExactly(text);
            var header = JsonNode.Parse(text)!.AsObject();
            var end = header.Where(h => h.Key != MetadataKey).Max(h => h.Value!["data_offsets"]![1]!.GetValue<long>());
            return file.Length == file.Position + end
                ? (header, file.Position)
                : throw new PackageException(path, $"has {file.Length} bytes; its header says {file.Position + end}");
        }
        catch (Exception e) when (e is EndOfStreamException or JsonException or OverflowException or OutOfMemoryException)
        {
            throw new PackageException(path, "is not a tensor file", e);
        }
    }
}
