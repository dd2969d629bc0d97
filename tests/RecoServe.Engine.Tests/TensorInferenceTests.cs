using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Tests.Registry;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests;

public sealed class TensorInferenceTests : IAsyncDisposable
{
    private readonly RegistryFixture _fixture = new();

    private static CancellationToken Token => RegistryFixture.Token;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Infer_Rows_AreComputed()
    {
        var registry = await StartAsync(r => TestGraph.PublishSum(r, "sum", 1));
        var result = await Infer(registry, "sum", Floats("x", [2, 3], 1, 2, 3, 4, 5, 6));
        Assert.Equal(("sum", 1L), (result.ComputedBy.Model, result.ComputedBy.Version));
        Assert.Equal(["sum", "copy"], result.Outputs.Select(t => t.Name));
        Assert.Equal([6f, 15f], Values(result.Outputs[0]));
        Assert.Equal([2L], result.Outputs[0].Shape);
        Assert.Equal([1f, 2, 3, 4, 5, 6], Values(result.Outputs[1]));
        Assert.Equal([2L, 3], result.Outputs[1].Shape);
    }

    [Fact]
    public async Task Infer_OutputsNamed_AreThoseInTheirOrder()
    {
        var registry = await StartAsync(r => TestGraph.PublishSum(r, "sum", 1));
        var result = await Inference(registry).InferAsync(Request("sum", [Floats("x", [1, 1], 7)], "copy", "sum"), Token);
        Assert.Equal(["copy", "sum"], result.Outputs.Select(t => t.Name));
        Assert.Equal("copy", Assert.Single((await Inference(registry).InferAsync(Request("sum", [Floats("x", [1, 1], 7)], "copy"), Token)).Outputs).Name);
    }

    [Theory]
    [InlineData(6)]
    [InlineData(2)]
    public async Task Infer_MoreRowsThanABatchAndThanTheQueue_AreComputedInSeveral(int queueSize)
    {
        var registry = await StartAsync(
            r =>
            {
                TestGraph.PublishSum(r, "sum", 1);
                File.WriteAllText(Path.Combine(r, "sum/1/config.json"), $$"""{ "max_batch_size": 3, "max_queue_size": {{queueSize}} }""");
            });
        var values = Enumerable.Range(0, 100).Select(i => (float)i).ToArray();
        Assert.Equal(values, Values((await Infer(registry, "sum", Floats("x", [100, 1], values))).Outputs[0]));
        Assert.All(registry.FindAnswering(new("sum")).Statistics.Batches.Keys, size => Assert.InRange(size, 1, 3));
    }

    [Fact]
    public async Task Infer_ManyCallersOfSeveralShapes_EachGetsItsOwnRows()
    {
        var registry = await StartAsync(r => TestGraph.PublishSum(r, "sum", 1));
        var calls = Enumerable.Range(0, 300).Select(async i =>
        {
            var (rows, width) = (1 + (i % 3), 1 + (i % 4));
            var values = Enumerable.Range(0, rows * width).Select(v => (float)((1000 * i) + v)).ToArray();
            var wanted = i % 2 == 0 ? new[] { "copy" } : ["sum", "copy"];
            var outputs = (await Inference(registry).InferAsync(Request("sum", [Floats("x", [rows, width], values)], wanted), Token)).Outputs;
            Assert.Equal(wanted, outputs.Select(t => t.Name));
            Assert.Equal(values, Values(outputs[^1]));
            if (wanted.Length > 1)
                Assert.Equal(values.Chunk(width).Select(row => row.Sum()), Values(outputs[0]));
        });
        await Task.WhenAll(calls);
        var statistics = registry.FindAnswering(new("sum")).Statistics;
        Assert.Equal(300, statistics.Success.Count);
        Assert.Equal(0, statistics.Fail.Count);
        Assert.Equal(600, statistics.Batches.Sum(b => b.Key * b.Value.Count));
        Assert.True(statistics.Batches.Values.Sum(b => b.Count) < 600, "rows were never batched");
    }

    /// <summary>Of "sum" the graph says the size; of "copy" the first row does.</summary>
    [Fact]
    public async Task Infer_MemoryOfTheAnswer_IsTakenBeforeItIsThere()
    {
        var registry = await StartAsync(r => TestGraph.PublishSum(r, "sum", 1));
        var taken = new List<long>();
        var request = Request("sum", [Floats("x", [2, 3], 1, 2, 3, 4, 5, 6)]);
        await Inference(registry).InferAsync(request with { TakeMemory = taken.Add }, Token);
        Assert.Equal([8, 24], taken);
    }

    [Theory]
    [InlineData("sum")]
    [InlineData("copy")]
    public async Task Infer_NoMemoryForTheAnswer_IsNotTheModelsFault(string output)
    {
        var registry = await StartAsync(r => TestGraph.PublishSum(r, "sum", 1));
        var request = Request("sum", [Floats("x", [2, 3], 1, 2, 3, 4, 5, 6)], output) with { TakeMemory = _ => throw new AnswerMemoryException(TimeSpan.FromSeconds(1)) };
        await Assert.ThrowsAsync<AnswerMemoryException>(() => Inference(registry).InferAsync(request, Token));
        var statistics = registry.FindAnswering(new("sum")).Statistics;
        Assert.Equal((0, output == "sum" ? 0 : 1), (statistics.Fail.Count, statistics.Batches.Count));
    }

    /// <summary>40 GB: nothing of it may be allocated, or computed.</summary>
    [Fact]
    public void Response_LargerThanAMessage_IsRefusedWithItsSize()
    {
        var signature = new GraphSignature(
            [new("x", TensorElementType.Int32, [-1])], [new("small", TensorElementType.Float, [-1, 1]), new("y", TensorElementType.Float, [-1, 1_000_000])], 64, TimeSpan.Zero, 1);
        var inputs = new[] { new TensorData("x", TensorElementType.Int32, [10_000], new byte[40_000]) };
        var e = Assert.Throws<InvalidRequestException>(() => new TensorResponse(new TensorRequest(signature, inputs, [])));
        Assert.Equal("outputs: would have 40000040000 bytes for 10000 rows, an answer can have 2146435071: ask for fewer rows or outputs at a time", e.Message);
        Assert.Throws<InvalidRequestException>(() => Dynamic().Write(0, 0, [1_000_000], new byte[4_000_000]));

        TensorResponse Dynamic() => new(new TensorRequest(signature with { Outputs = [new("y", TensorElementType.Float, [-1, -1])] }, inputs, []));
    }

    [Fact]
    public async Task Infer_OneRowFails_FailsThatRequestAlone()
    {
        var registry = await StartAsync(r => TestGraph.PublishGather(r, "gather", 1));
        var calls = Enumerable.Range(0, 40).Select(i => Infer(registry, "gather", Longs("ids", i == 20 ? 99 : i % 10))).ToArray();
        for (var i = 0; i < 40; i++)
        {
            if (i == 20)
                await Assert.ThrowsAsync<ModelRunException>(() => calls[i]);
            else
                Assert.Equal([10f * (i % 10)], Values((await calls[i]).Outputs[0]));
        }

        await Assert.ThrowsAsync<ModelRunException>(() => Infer(registry, "gather", Longs("ids", 1, 99, 2)));
        Assert.Equal(2, registry.FindAnswering(new("gather")).Statistics.Fail.Count);
    }

    /// <summary>Its other rows leave the queue, and yet no caller went away.</summary>
    [Fact]
    public async Task Infer_OneOfManyRowsFails_NothingIsCountedAsCancelled()
    {
        var registry = await StartAsync(r => TestGraph.PublishGather(r, "gather", 1));
        var cancelled = await CountAsync(_fixture.Metrics.Shed, "cancelled", async () =>
        {
            for (var i = 0; i < 20; i++)
                await Assert.ThrowsAsync<ModelRunException>(() => Infer(registry, "gather", Longs("ids", [99, .. Enumerable.Repeat(1L, 500)])));
        });
        Assert.Equal(0, cancelled);
    }

    [Fact]
    public async Task Infer_OtherShapesWait_TheBatchIsClosedByTheShape()
    {
        var registry = await StartAsync(r => TestGraph.PublishSum(r, "sum", 1));
        var closed = await CountAsync(_fixture.Metrics.BatchesClosed, "shape", () => Task.WhenAll(
            Enumerable.Range(0, 50).Select(i => Infer(registry, "sum", Floats("x", [1, 100_000 + (i % 2)], new float[100_000 + (i % 2)])))));
        Assert.NotEqual(0, closed);
    }

    [Fact]
    public async Task Infer_FixedShape_IsComputedWholeAndAlone()
    {
        var registry = await StartAsync(r => TestGraph.PublishIdentity(r, "fixed", 1, (int)TensorElementType.Float, "2", "2"));
        Assert.False(registry.FindAnswering(new("fixed")).Signature!.IsBatched);
        var result = await Infer(registry, "fixed", Floats("x", [2, 2], 1, 2, 3, 4));
        Assert.Equal([2L, 2], result.Outputs[0].Shape);
        Assert.Equal([1f, 2, 3, 4], Values(result.Outputs[0]));
        await AssertInvalid(registry, Request("fixed", [Floats("x", [1, 2], 1, 2)]), "inputs[x]", "has shape [1, 2], the model reads [2, 2]");
    }

    [Fact]
    public async Task Infer_Strings_KeepEveryByte()
    {
        var registry = await StartAsync(r => TestGraph.PublishIdentity(r, "text", 1, (int)TensorElementType.String, "batch", "width"));
        ReadOnlyMemory<byte>[] strings = ["héllo"u8.ToArray(), Array.Empty<byte>(), "a\0b"u8.ToArray(), new byte[] { 0xFF, 0xFE }];
        var output = (await Infer(registry, "text", new TensorData("x", TensorElementType.String, [2, 2], default, strings))).Outputs[0];
        Assert.Equal(strings.Select(s => s.ToArray()), output.Strings!.Select(s => s.ToArray()));
    }

    [Theory]
    [InlineData("inputs[x]", "has elements of type INT64, the model reads FP32", "type")]
    [InlineData("inputs[x]", "has shape [2], the model reads [-1, -1]", "rank")]
    [InlineData("inputs[x]", "has 1 elements; shape [1, 2] needs 2", "elements")]
    [InlineData("inputs[x]", "has 6 bytes, elements of type FP32 have 4", "bytes")]
    [InlineData("inputs[x]", "there must be at least one row", "no rows")]
    [InlineData("inputs[x]", "which no memory holds", "overflow")]
    [InlineData("inputs", "\"x\" is missing", "missing")]
    [InlineData("inputs", "the model has no input \"y\"; its inputs are: x", "unknown")]
    [InlineData("inputs", "\"x\" is there more than once", "twice")]
    [InlineData("outputs", "the model has no output \"z\"; its outputs are: sum, copy", "output")]
    [InlineData("outputs", "each output can be asked for once", "output twice")]
    public async Task Infer_WrongTensor_NamesIt(string field, string problem, string what)
    {
        var registry = await StartAsync(r => TestGraph.PublishSum(r, "sum", 1));
        var good = Floats("x", [1, 2], 1, 2);
        await AssertInvalid(registry, what switch
        {
            "type" => Request("sum", [good with { Type = TensorElementType.Int64 }]),
            "rank" => Request("sum", [good with { Shape = [2] }]),
            "elements" => Request("sum", [good with { Data = new byte[4] }]),
            "bytes" => Request("sum", [good with { Data = new byte[6] }]),
            "no rows" => Request("sum", [good with { Shape = [0, 2], Data = default }]),
            "overflow" => Request("sum", [good with { Shape = [long.MaxValue, 3] }]),
            "missing" => Request("sum", []),
            "unknown" => Request("sum", [good, Floats("y", [1, 2], 1, 2)]),
            "twice" => Request("sum", [good, good]),
            "output" => Request("sum", [good], "z"),
            _ => Request("sum", [good], "sum", "sum"),
        }, field, problem);
    }

    [Fact]
    public async Task Infer_Package_AnswersAsTheModelDoes()
    {
        var model = new TestModel { Devices = ["tv", "phone"] };
        var registry = await StartAsync(r => model.Publish(r));
        TensorData[] inputs = [Ints("items", [2, 4], 0, 1, 2, 0, 0, 5, 6, 7), Ints("lengths", [2], 3, 4), Ints("context", [2, 1], 0, 2)];
        var outputs = (await Inference(registry).InferAsync(Request("toy", inputs, "logits"), Token)).Outputs;
        Assert.Equal([2L, 21], Assert.Single(outputs).Shape);
        var logits = Values(outputs[0]);
        Assert.Equal(model.ExpectedLogits([1, 2]).AsSpan(1).ToArray(), logits[1..21], (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal(model.ExpectedLogits([5, 6, 7], 2).AsSpan(1).ToArray(), logits[22..], (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal([2L, 4], (await Inference(registry).InferAsync(Request("toy", inputs, "state"), Token)).Outputs[0].Shape);
    }

    [Theory]
    [InlineData("inputs[lengths]", "row 0 is 0", 0, 1, 0, 0)]
    [InlineData("inputs[lengths]", "row 0 is 4", 0, 1, 4, 0)]
    [InlineData("inputs[items]", "row 0 begins with 3", 3, 1, 2, 0)]
    [InlineData("inputs[items]", "row 0 has 21 in cell 1: item indexes are 1 to 20", 0, 21, 2, 0)]
    [InlineData("inputs[items]", "row 0 has -1 in cell 1", 0, -1, 2, 0)]
    [InlineData("inputs[context]", "row 0 has 2 for \"device\": codes are 0 (unknown) to 1", 0, 1, 2, 2)]
    public async Task Infer_PackageCellsThatAreNone_NamesThem(string field, string problem, int start, int item, int length, int device)
    {
        var registry = await StartAsync(r => new TestModel { Devices = ["tv"] }.Publish(r));
        await AssertInvalid(
            registry, Request("toy", [Ints("items", [1, 2], start, item), Ints("lengths", [1], length), Ints("context", [1, 1], device)]), field, problem);
    }

    [Fact]
    public async Task Infer_LateAndGone_OnlyTheLateOneCountsAsFailed()
    {
        var registry = await StartAsync(r => TestGraph.PublishSum(r, "sum", 1));
        var late = Request("sum", [Floats("x", [1, 1], 1)]) with { Deadline = DateTimeOffset.UnixEpoch };
        await Assert.ThrowsAsync<DeadlineExceededException>(() => Inference(registry).InferAsync(late, Token));
        using var gone = new CancellationTokenSource();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Inference(registry).InferAsync(Request("sum", [Floats("x", [1, 1], 1)]), gone.Token));
        Assert.Equal(1, registry.FindAnswering(new("sum")).Statistics.Fail.Count);
    }

    [Fact]
    public async Task Infer_RowsComeOutInDifferentShapes_Fails()
    {
        var registry = await StartAsync(r =>
        {
            TestGraph.PublishCompress(r, "compress", 1);
            File.WriteAllText(Path.Combine(r, "compress/1/config.json"), """{ "max_batch_size": 1 }""");
        });
        Assert.Equal([1L, 1], (await Infer(registry, "compress", Floats("x", [1, 2], 0, 3))).Outputs[0].Shape);
        var e = await Assert.ThrowsAsync<ModelRunException>(() => Infer(registry, "compress", Floats("x", [2, 2], 0, 3, 1, 2)));
        Assert.Contains("came out in shapes [", e.InnerException!.Message, StringComparison.Ordinal);
        Assert.Equal(1, registry.FindAnswering(new("compress")).Statistics.Fail.Count);
    }

    [Fact]
    public async Task Infer_PackageWithTimeGaps_ReadsThem()
    {
        var model = new TestModel { TimeGaps = true, Devices = ["tv"] };
        var registry = await StartAsync(r => model.Publish(r));
        TensorData[] Inputs(int width, params int[] gaps) =>
            [Ints("items", [1, 4], 0, 3, 5, 0), Ints("lengths", [1], 3), Ints("gaps", [1, width], gaps), Ints("context", [1, 1], 1)];
        var result = await Inference(registry).InferAsync(Request("toy", Inputs(4, 0, 0, 7, 0), "logits"), Token);
        Assert.Equal(model.ExpectedLogits([3, 5], 1, 7)[1..], Values(result.Outputs[0])[1..], (a, b) => Math.Abs(a - b) < 1e-4);
        await AssertInvalid(registry, Request("toy", Inputs(3, 0, 0, 7)), "inputs[gaps]", "has 3 cells: there are as many as items, 4");
        await AssertInvalid(registry, Request("toy", Inputs(4, 0, 0, 32, 0)), "inputs[gaps]", "codes from 0 (unknown) to 31");
    }

    [Fact]
    public async Task Infer_PackageWithHistoryContext_ReadsIt()
    {
        var model = new TestModel { HistoryContext = true, TimeGaps = true, Devices = ["tv", "phone"] };
        var registry = await StartAsync(r => model.Publish(r));
        TensorData[] Inputs(int width, params int[] devices) =>
        [
            Ints("items", [1, 4], 0, 3, 5, 0), Ints("lengths", [1], 3), Ints("gaps", [1, 4], 0, 0, 7, 0),
            Ints("history_context", [1, width, 1], devices), Ints("context", [1, 1], 1),
        ];
        var result = await Inference(registry).InferAsync(Request("toy", Inputs(4, 0, 2, 1, 0), "logits"), Token);
        Assert.Equal(model.ExpectedLogits([3, 5], 1, 7)[9] + model.OfDevice(2, 9) + model.OfDevice(1, 9), Values(result.Outputs[0])[9], 1e-4);
        await AssertInvalid(registry, Request("toy", Inputs(3, 0, 2, 1)), "inputs[history_context]", "has 3 cells: there are as many as items, 4");
        await AssertInvalid(registry, Request("toy", Inputs(4, 0, 2, 3, 0)), "inputs[history_context]", "has 3 for \"device\": codes are 0 (unknown) to 2");
    }

    [Fact]
    public async Task Recommend_PlainGraph_IsOfTheWrongKind()
    {
        var registry = await StartAsync(r => TestGraph.PublishSum(r, "sum", 1));
        var recommender = new Recommender(registry, new DegradationOptions(), TimeProvider.System);
        var request = new SlateRequest { Model = new ModelSelector("sum"), Deadline = DateTimeOffset.MaxValue };
        var e = await Assert.ThrowsAsync<ModelStateException>(() => recommender.RecommendAsync(request, Token));
        Assert.Contains("sum/1 is a plain graph", e.Message, StringComparison.Ordinal);
    }

    private static TensorInference Inference(ModelRegistry registry) => new(registry, TimeProvider.System);

    private static Task<InferResult> Infer(ModelRegistry registry, string model, params TensorData[] inputs) =>
        Inference(registry).InferAsync(Request(model, inputs), Token);

    private static InferRequest Request(string model, TensorData[] inputs, params string[] outputs) =>
        new(new ModelSelector(model), inputs, outputs, DateTimeOffset.MaxValue);

    private static TensorData Floats(string name, long[] shape, params float[] values) =>
        new(name, TensorElementType.Float, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    private static TensorData Ints(string name, long[] shape, params int[] values) =>
        new(name, TensorElementType.Int32, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    private static TensorData Longs(string name, params long[] values) =>
        new(name, TensorElementType.Int64, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    private static float[] Values(TensorData tensor) => MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray();

    private static async Task AssertInvalid(ModelRegistry registry, InferRequest request, string field, string problem)
    {
        var e = await Assert.ThrowsAsync<InvalidRequestException>(() => Inference(registry).InferAsync(request, Token));
        Assert.Equal(field, e.Field);
        Assert.Contains(problem, e.Problem, StringComparison.Ordinal);
    }

    /// <summary>What an instrument counts under a reason meanwhile.</summary>
    private static async Task<long> CountAsync(Instrument instrument, string reason, Func<Task> action)
    {
        var count = 0L;
        using var listener = new MeterListener();
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            if (tags.Contains(new("reason", reason)))
                Interlocked.Add(ref count, value);
        });
        listener.EnableMeasurementEvents(instrument);
        await action();
        return count;
    }

    private Task<ModelRegistry> StartAsync(Action<string> publish)
    {
        publish(_fixture.Repository.Path);
        return _fixture.StartAsync();
    }
}
