using System.Buffers;
using Google.Protobuf;
using RecoServe.Contracts.Inference;
using RecoServe.Engine.Inference;
using RecoServe.Server.Services;
using Tensor = RecoServe.Contracts.Inference.ModelInferRequest.Types.InferInputTensor;
using Wanted = RecoServe.Contracts.Inference.ModelInferRequest.Types.InferRequestedOutputTensor;

namespace RecoServe.Server.Tests.OpenInference;

public sealed class TensorMessageTests
{
    /// <summary>A power of two: the array that is filled by doubling it is as long, and all before it together no longer.</summary>
    private const int Count = 1 << 16;

    [Theory]
    [InlineData("BOOL")]
    [InlineData("INT8")]
    [InlineData("INT32")]
    [InlineData("UINT32")]
    [InlineData("INT64")]
    [InlineData("UINT64")]
    [InlineData("FP32")]
    [InlineData("FP64")]
    [InlineData("BYTES")]
    [InlineData("BYTES empty")]
    [InlineData("BYTES raw")]
    [InlineData("FP32 raw")]
    [InlineData("empty outputs")]
    public void MemoryOf_AnyElements_IsNoLessThanReadingThemAllocates(string what)
    {
        var message = Request(what).ToByteArray();
        Read(message); // what is allocated once
        var before = GC.GetAllocatedBytesForCurrentThread();
        var tensors = Read(message);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        GC.KeepAlive(tensors);
        Assert.InRange(TensorMessage.MemoryOf(new ReadOnlySequence<byte>(message)), allocated, 6 * allocated);
    }

    [Fact]
    public void MemoryOf_RawTensor_IsTwiceItsBytes()
    {
        var memory = TensorMessage.MemoryOf(new ReadOnlySequence<byte>(Request("FP32 raw").ToByteArray()));
        Assert.InRange(memory, 2 * Count * sizeof(float), (2 * Count * sizeof(float)) + 4096);
    }

    /// <summary>Packed or one by one, in one input or several, in pieces of any length: the same elements.</summary>
    [Fact]
    public void MemoryOf_ElementsAreWrittenOtherwise_CountsThemAll()
    {
        var element = new byte[] { 0x18, 5 }; // int64_contents, a varint
        var contents = Enumerable.Repeat(element, Count).SelectMany(b => b).ToArray();
        var input = Field(5, contents);
        var memory = TensorMessage.MemoryOf(Pieces(Field(5, input)));
        Assert.Equal(TensorMessage.MemoryOf(new ReadOnlySequence<byte>(Field(5, input))), memory);
        Assert.InRange(memory, 32 * Count, 33 * Count);
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 0x2A })]
    [InlineData(new byte[] { 0x2A, 0x7F, 1 })]
    [InlineData(new byte[] { 0x2A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F })]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF })]
    [InlineData(new byte[] { 0x0B, 0x0C, 0x0D, 1 })]
    [InlineData(new byte[] { 0x2A, 4, 0x2A, 2, 0x1A, 0x7F })]
    public void MemoryOf_NoMessage_IsSmall(byte[] bytes) => Assert.InRange(TensorMessage.MemoryOf(new ReadOnlySequence<byte>(bytes)), 0, 2048);

    private static TensorData[] Read(byte[] message) => TensorReader.Read(ModelInferRequest.Parser.ParseFrom(message));

    private static ModelInferRequest Request(string what)
    {
        if (what == "empty outputs")
            return new ModelInferRequest { Outputs = { Enumerable.Range(0, Count).Select(_ => new Wanted()) } };
        var request = new ModelInferRequest { Inputs = { new Tensor { Name = "x", Datatype = what.Split(' ')[0], Shape = { Count } } } };
        if (what.EndsWith("raw", StringComparison.Ordinal))
            request.RawInputContents.Add(ByteString.CopyFrom(new byte[Count * sizeof(int)])); // empty strings too
        else
            request.Inputs[0].Contents = Typed(what);
        return request;
    }

    private static InferTensorContents Typed(string what) => what switch
    {
        "BOOL" => new() { BoolContents = { new bool[Count] } },
        "INT8" or "INT32" => new() { IntContents = { new int[Count] } },
        "UINT32" => new() { UintContents = { new uint[Count] } },
        "INT64" => new() { Int64Contents = { new long[Count] } },
        "UINT64" => new() { Uint64Contents = { new ulong[Count] } },
        "FP32" => new() { Fp32Contents = { new float[Count] } },
        "FP64" => new() { Fp64Contents = { new double[Count] } },
        _ => new() { BytesContents = { Enumerable.Repeat(what == "BYTES" ? ByteString.CopyFromUtf8("a") : ByteString.Empty, Count) } },
    };

    private static byte[] Field(int number, byte[] content)
    {
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes, leaveOpen: true))
        {
            output.WriteTag(number, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(content));
        }

        return bytes.ToArray();
    }

    private static ReadOnlySequence<byte> Pieces(byte[] bytes)
    {
        var first = new Piece(bytes.AsMemory(0, 1), null);
        var last = first;
        for (var start = 1; start < bytes.Length; start += 7)
            last = new Piece(bytes.AsMemory(start, Math.Min(7, bytes.Length - start)), last);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        internal Piece(ReadOnlyMemory<byte> memory, Piece? before)
        {
            Memory = memory;
            if (before is null)
                return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
