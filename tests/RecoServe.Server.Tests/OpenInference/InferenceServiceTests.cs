using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using RecoServe.Contracts.Inference;
using RecoServe.Testing;
using Tensor = RecoServe.Contracts.Inference.ModelInferRequest.Types.InferInputTensor;
using Wanted = RecoServe.Contracts.Inference.ModelInferRequest.Types.InferRequestedOutputTensor;

namespace RecoServe.Server.Tests.OpenInference;

public sealed class InferenceServiceTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private GRPCInferenceService.GRPCInferenceServiceClient _client = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync(r =>
        {
            TestGraph.PublishSum(r, "sum", 1);
            new TestModel().Publish(r);
        }, ("Batcher:MaxQueueDelay", "00:00:00.000700"));
        _client = new GRPCInferenceService.GRPCInferenceServiceClient(_server.Channel);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task ModelInfer_FortyMegabytes_IsAnswered_AndAboveTheLimitIsResourceExhausted()
    {
        ModelInferRequest Of(int elements) => new()
        {
            ModelName = "sum",
            Inputs = { new Tensor { Name = "x", Datatype = "FP32", Shape = { 1, elements } } },
            Outputs = { new Wanted { Name = "sum" } },
            RawInputContents = { ByteString.CopyFrom(new byte[elements * sizeof(float)]) },
        };
        var answer = await _client.ModelInferAsync(Of(10_000_000), cancellationToken: Token);
        Assert.Equal(new byte[sizeof(float)], Assert.Single(answer.RawOutputContents).ToByteArray());
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.ModelInferAsync(Of(17_000_000), cancellationToken: Token).ResponseAsync);
        Assert.Equal(StatusCode.ResourceExhausted, e.StatusCode);
    }

    /// <summary>Small requests of many rows, whose logits are ten times as large.</summary>
    [Fact]
    public async Task ModelInfer_LargeAnswer_IsCountedAndRefused()
    {
        await using var server = await RunningServer.StartAsync(settings: ("Server:LargeRequestMemory", $"{1 << 20}"));
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(server.Channel);
        var memory = server.App.Services.GetRequiredService<RequestMemory>();
        var e = await RefusedAsync(10_000);
        Assert.Equal((StatusCode.InvalidArgument, "outputs: would take 1680000 bytes of memory, Server:LargeRequestMemory is 1048576: ask for fewer rows or outputs at a time"), (e.StatusCode, e.Status.Detail));
        using (memory.Take(300_000))
        {
            e = await RefusedAsync(5000);
            Assert.Equal((StatusCode.ResourceExhausted, "100"), (e.StatusCode, e.Trailers.GetValue("grpc-retry-pushback-ms")));
        }

        var answer = await client.ModelInferAsync(Of(5000), cancellationToken: Token);
        Assert.Equal(5000 * 21 * sizeof(float), Assert.Single(answer.RawOutputContents).Length);
        while (memory.Held > 0)
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Token);

        async Task<RpcException> RefusedAsync(int rows) => await Assert.ThrowsAsync<RpcException>(() => client.ModelInferAsync(Of(rows), cancellationToken: Token).ResponseAsync);

        static ModelInferRequest Of(int rows) => new()
        {
            ModelName = "toy",
            Inputs = { new Tensor { Name = "items", Datatype = "INT32", Shape = { rows, 1 } }, new Tensor { Name = "lengths", Datatype = "INT32", Shape = { rows } } },
            Outputs = { new Wanted { Name = "logits" } },
            RawInputContents =
            {
                ByteString.CopyFrom(new byte[rows * sizeof(int)]),
                ByteString.CopyFrom(System.Runtime.InteropServices.MemoryMarshal.AsBytes(Enumerable.Repeat(1, rows).ToArray().AsSpan())),
            },
        };
    }

    /// <summary>An element of typed contents is there four times, a byte of raw ones twice.</summary>
    [Fact]
    public async Task ModelInfer_TypedContents_CountForMoreThanRawOnes()
    {
        await using var server = await RunningServer.StartAsync(r => TestGraph.PublishSum(r, "sum", 1), ("Server:LargeRequestMemory", $"{1 << 20}"));
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(server.Channel);
        var memory = server.App.Services.GetRequiredService<RequestMemory>();
        const int elements = 1 << 16;
        var (typed, raw) = (Of(), Of());
        typed.Inputs[0].Contents = new InferTensorContents { Fp32Contents = { new float[elements] } };
        raw.RawInputContents.Add(ByteString.CopyFrom(new byte[elements * sizeof(float)]));
        using (memory.Take(1 << 18))
        {
            Assert.Single((await client.ModelInferAsync(raw, cancellationToken: Token)).RawOutputContents);
            var e = await Assert.ThrowsAsync<RpcException>(() => client.ModelInferAsync(typed, cancellationToken: Token).ResponseAsync);
            Assert.Equal((StatusCode.ResourceExhausted, "100"), (e.StatusCode, e.Trailers.GetValue("grpc-retry-pushback-ms")));
        }

        while (memory.Held > 0)
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Token);
        Assert.Single((await client.ModelInferAsync(typed, cancellationToken: Token)).Outputs);

        static ModelInferRequest Of() => new()
        {
            ModelName = "sum",
            Inputs = { new Tensor { Name = "x", Datatype = "FP32", Shape = { 1, elements } } },
            Outputs = { new Wanted { Name = "sum" } },
        };
    }

    [Theory]
    [InlineData("BOOL", new byte[] { 0, 1 })]
    [InlineData("UINT8", new byte[] { 0, 255 })]
    [InlineData("UINT16", new byte[] { 0, 0, 255, 255 })]
    [InlineData("UINT32", new byte[] { 1, 0, 0, 0, 255, 255, 255, 255 })]
    [InlineData("UINT64", new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255 })]
    [InlineData("INT8", new byte[] { 127, 128 })]
    [InlineData("INT16", new byte[] { 255, 127, 0, 128 })]
    [InlineData("INT32", new byte[] { 255, 255, 255, 127, 0, 0, 0, 128 })]
    [InlineData("INT64", new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255 })]
    [InlineData("FP32", new byte[] { 0, 0, 128, 63, 0, 0, 128, 127 })]
    [InlineData("FP64", new byte[] { 0, 0, 0, 0, 0, 0, 240, 63, 0, 0, 0, 0, 0, 0, 240, 127 })]
    [InlineData("FP16", new byte[] { 0, 60, 0, 124 })]
    [InlineData("BF16", new byte[] { 128, 63, 128, 127 })]
    [InlineData("BYTES", new byte[] { 2, 0, 0, 0, 195, 164, 0, 0, 0, 0 })]
    public async Task ModelInfer_EveryType_ComesBackRawAndTyped(string datatype, byte[] raw)
    {
        TestGraph.PublishIdentity(_server.Repository.Path, "identity", 1, (int)Services.TensorTypes.Find(datatype)!, "batch");
        await _client.RepositoryModelLoadAsync(new RepositoryModelLoadRequest { ModelName = "identity" }, cancellationToken: Token);
        var request = new ModelInferRequest
        {
            ModelName = "identity",
            Inputs = { new Tensor { Name = "x", Datatype = datatype, Shape = { 2 } } },
            RawInputContents = { ByteString.CopyFrom(raw) },
        };
        var answer = await _client.ModelInferAsync(request, cancellationToken: Token);
        Assert.Equal(raw, Assert.Single(answer.RawOutputContents).ToByteArray());
        Assert.Equal((datatype, 2L), (answer.Outputs[0].Datatype, Assert.Single(answer.Outputs[0].Shape)));
        if (datatype is "FP16" or "BF16")
            return;
        request.RawInputContents.Clear();
        request.Inputs[0].Contents = Typed(datatype, raw);
        answer = await _client.ModelInferAsync(request, cancellationToken: Token);
        Assert.Empty(answer.RawOutputContents);
        Assert.Equal(request.Inputs[0].Contents, answer.Outputs[0].Contents);
    }

    [Theory]
    [InlineData("raw_input_contents: has 2 tensors for 1 inputs", "raw count")]
    [InlineData("inputs[x]: has contents beside raw_input_contents", "both")]
    [InlineData("inputs[x]: has datatype \"FLOAT\"; there is: BOOL, UINT8", "datatype")]
    [InlineData("inputs[x]: must have its elements in fp32_contents, as its datatype is FP32, and nowhere else", "field")]
    [InlineData("inputs[x]: is of FP16, which has no typed contents", "half")]
    [InlineData("inputs[x]: has an element in int_contents that INT8 cannot hold", "range")]
    [InlineData("inputs[x]: ends within element 2", "bytes")]
    [InlineData("inputs[x]: asks for shared memory", "shared memory")]
    [InlineData("outputs[sum]: asks for classification", "classification")]
    [InlineData("inputs[x]: has 2 elements; shape [1, 1] needs 1", "size")]
    [InlineData("parameters[priority]: must be 0", "priority")]
    [InlineData("parameters[timeout]: must be an integer", "timeout")]
    [InlineData("parameters[timings]: must be a bool", "timings")]
    [InlineData("model_version: must be a number above 0", "version")]
    [InlineData("model_name: must not be empty", "name")]
    public async Task ModelInfer_WrongRequest_NamesTheField(string problem, string what)
    {
        var request = Sum(1);
        var input = request.Inputs[0];
        switch (what)
        {
            case "raw count": request.RawInputContents.Add([ByteString.Empty, ByteString.Empty]); break;
            case "both": request.RawInputContents.Add(ByteString.Empty); break;
            case "datatype": input.Datatype = "FLOAT"; break;
            case "field": input.Contents.Fp64Contents.Add(1); break;
            case "half": input.Datatype = "FP16"; break;
            case "range": (input.Datatype, input.Contents) = ("INT8", new InferTensorContents { IntContents = { 200 } }); break;
            case "bytes": (input.Datatype, input.Contents, _) = ("BYTES", null, Add(request, [1, 0, 0, 0, 65, 9, 0, 0, 0])); break;
            case "shared memory": input.Parameters["shared_memory_region"] = new InferParameter { StringParam = "r" }; break;
            case "classification": request.Outputs.Add(new Wanted { Name = "sum", Parameters = { ["classification"] = new InferParameter { Int64Param = 3 } } }); break;
            case "size": input.Contents.Fp32Contents.Add(1); break;
            case "priority": request.Parameters["priority"] = new InferParameter { Uint64Param = 4 }; break;
            case "timeout": request.Parameters["timeout"] = new InferParameter { StringParam = "1s" }; break;
            case "timings": request.Parameters["timings"] = new InferParameter { Int64Param = 1 }; break;
            case "version": request.ModelVersion = "one"; break;
            default: request.ModelName = ""; break;
        }

        var e = await Assert.ThrowsAsync<RpcException>(() => _client.ModelInferAsync(request, cancellationToken: Token).ResponseAsync);
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        Assert.StartsWith(problem, e.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nobody", "", StatusCode.NotFound)]
    [InlineData("sum", "7", StatusCode.NotFound)]
    [InlineData("sum", "1", StatusCode.OK)]
    public async Task ModelInfer_Model_IsFoundOrNot(string model, string version, StatusCode status)
    {
        var request = Sum(1, 2);
        (request.ModelName, request.ModelVersion) = (model, version);
        Assert.Equal(status, await StatusOf(_client.ModelInferAsync(request, cancellationToken: Token).ResponseAsync));
    }

    [Fact]
    public async Task ModelInfer_TimeoutHasPassed_IsDeadlineExceeded()
    {
        var request = Sum(1);
        request.Parameters["timeout"] = new InferParameter { Int64Param = 1 };
        Assert.Equal(StatusCode.DeadlineExceeded, await StatusOf(_client.ModelInferAsync(request, cancellationToken: Token).ResponseAsync));
        request.Parameters["timeout"] = new InferParameter { Int64Param = 60_000_000 };
        request.Parameters["priority"] = new InferParameter { Uint64Param = 1 };
        Assert.Equal(StatusCode.OK, await StatusOf(_client.ModelInferAsync(request, cancellationToken: Token).ResponseAsync));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task ModelInfer_TimingsAreWanted_AnswerHasThem(int rows)
    {
        var request = Sum([.. Enumerable.Repeat(1f, rows)]);
        Assert.Empty((await _client.ModelInferAsync(request, cancellationToken: Token)).Parameters);
        request.Parameters["timings"] = new InferParameter { BoolParam = true };
        var timings = (await _client.ModelInferAsync(request, cancellationToken: Token)).Parameters;
        Assert.Equal(["batch_size", "batch_us", "queue_us"], timings.Keys.Order());
        Assert.InRange(timings["batch_size"].Int64Param, 1, rows);
        Assert.InRange(timings["batch_us"].Int64Param, 1, 60_000_000);
        Assert.InRange(timings["queue_us"].Int64Param, 0, 60_000_000);
    }

    [Fact]
    public async Task ModelInfer_LargerThanOtherServicesTake_IsAnswered()
    {
        var request = new ModelInferRequest
        {
            ModelName = "sum",
            Inputs = { new Tensor { Name = "x", Datatype = "FP32", Shape = { 2, 1_000_000 } } },
            RawInputContents = { ByteString.CopyFrom(new byte[8_000_000]) },
            Outputs = { new Wanted { Name = "sum" } },
        };
        Assert.Equal(new byte[8], Assert.Single((await _client.ModelInferAsync(request, cancellationToken: Token)).RawOutputContents).ToByteArray());
    }

    [Fact]
    public async Task ModelMetadata_PlainGraphAndPackage_AreDescribed()
    {
        var graph = await _client.ModelMetadataAsync(new ModelMetadataRequest { Name = "sum" }, cancellationToken: Token);
        Assert.Equal(("sum", "onnxruntime_onnx", "1"), (graph.Name, graph.Platform, Assert.Single(graph.Versions)));
        Assert.Equal(("x", "FP32"), (graph.Inputs[0].Name, graph.Inputs[0].Datatype));
        Assert.Equal([-1L, -1], graph.Inputs[0].Shape);
        var package = await _client.ModelMetadataAsync(new ModelMetadataRequest { Name = "toy", Version = "1" }, cancellationToken: Token);
        Assert.Equal(["items", "lengths"], package.Inputs.Select(t => t.Name));
        Assert.Equal([-1L, 21], package.Outputs.Single(t => t.Name == "logits").Shape);
        var config = (await _client.ModelConfigAsync(new ModelConfigRequest { Name = "toy" }, cancellationToken: Token)).Config;
        Assert.Equal((64, "onnxruntime"), (config.MaxBatchSize, config.Backend));
        Assert.Equal([21L], config.Output.Single(t => t.Name == "logits").Dims);
        Assert.Equal(700UL, config.DynamicBatching.MaxQueueDelayMicroseconds);
    }

    [Fact]
    public async Task ModelStatistics_RequestsOfBothServices_AreCounted()
    {
        await _client.ModelInferAsync(Sum(1, 2, 3), cancellationToken: Token);
        var recommendations = new Contracts.V1.RecommendationService.RecommendationServiceClient(_server.Channel);
        await recommendations.RecommendAsync(new Contracts.V1.RecommendRequest(), cancellationToken: Token);
        var all = (await _client.ModelStatisticsAsync(new ModelStatisticsRequest(), cancellationToken: Token)).ModelStats;
        Assert.Equal(["sum", "toy"], all.Select(s => s.Name));
        Assert.Equal((3UL, 1UL, 0UL), (all[0].InferenceCount, all[0].InferenceStats.Success.Count, all[0].InferenceStats.Fail.Count));
        Assert.Equal(3UL, all[0].InferenceStats.Queue.Count);
        Assert.Equal((1UL, 1UL, 1UL), (all[1].InferenceCount, all[1].ExecutionCount, all[1].InferenceStats.Success.Count));
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.ModelStatisticsAsync(new ModelStatisticsRequest { Name = "nobody" }, cancellationToken: Token).ResponseAsync);
        Assert.Equal((StatusCode.NotFound, "no version of model \"nobody\" serves"), (e.StatusCode, e.Status.Detail));
    }

    [Fact]
    public async Task Repository_LoadAndUnload_AreSeenInTheIndex()
    {
        TestGraph.PublishSum(_server.Repository.Path, "sum", 2, factor: 2);
        Assert.Equal(["sum/2 UNAVAILABLE not loaded", "sum/1 READY ", "toy/1 READY "], await Index());
        await _client.RepositoryModelLoadAsync(new RepositoryModelLoadRequest { ModelName = "sum" }, cancellationToken: Token);
        Assert.Equal(4f, (await _client.ModelInferAsync(Sum(2), cancellationToken: Token)).Outputs[0].Contents.Fp32Contents[0]);
        await _client.RepositoryModelUnloadAsync(new RepositoryModelUnloadRequest { ModelName = "sum" }, cancellationToken: Token);
        Assert.Equal(["sum/2 UNAVAILABLE unloaded", "sum/1 UNAVAILABLE unloaded", "toy/1 READY "], await Index());
        Assert.False((await _client.ModelReadyAsync(new ModelReadyRequest { Name = "sum" }, cancellationToken: Token)).Ready);
        Assert.True((await _client.ServerReadyAsync(new ServerReadyRequest(), cancellationToken: Token)).Ready);
        Assert.Equal("toy", Assert.Single((await _client.RepositoryIndexAsync(new RepositoryIndexRequest { Ready = true }, cancellationToken: Token)).Models).Name);
    }

    [Fact]
    public async Task RepositoryModelLoad_BadRequests_AreTold()
    {
        Assert.Equal(StatusCode.NotFound, await Load(new RepositoryModelLoadRequest { ModelName = "nobody" }));
        Assert.Equal(StatusCode.NotFound, await Load(new RepositoryModelLoadRequest { ModelName = "../sum" }));
        Assert.Equal(StatusCode.InvalidArgument, await Load(new RepositoryModelLoadRequest { ModelName = "sum", RepositoryName = "other" }));
        Assert.Equal(StatusCode.InvalidArgument, await Load(new RepositoryModelLoadRequest { ModelName = "sum", Parameters = { ["config"] = new ModelRepositoryParameter { StringParam = "{}" } } }));
        Directory.CreateDirectory(_server.Repository.File("sum/3"));
        await File.WriteAllTextAsync(_server.Repository.File("sum/3/model.onnx"), "no graph", Token);
        Assert.Equal(StatusCode.FailedPrecondition, await Load(new RepositoryModelLoadRequest { ModelName = "sum" }));
        Assert.StartsWith("sum/3 UNAVAILABLE", (await Index())[0], StringComparison.Ordinal);
        Assert.Contains("is refused by ONNX Runtime", (await Index())[0], StringComparison.Ordinal);

        Task<StatusCode> Load(RepositoryModelLoadRequest request) => StatusOf(_client.RepositoryModelLoadAsync(request, cancellationToken: Token).ResponseAsync);
    }

    [Fact]
    public async Task RepositoryModelLoad_NewestWasRolledBack_TakesTheNextAndElseRefuses()
    {
        TestGraph.PublishSum(_server.Repository.Path, "sum", 2, factor: 2);
        await _client.RepositoryModelLoadAsync(new RepositoryModelLoadRequest { ModelName = "sum" }, cancellationToken: Token);
        await RollBack(2);
        await _client.RepositoryModelLoadAsync(new RepositoryModelLoadRequest { ModelName = "sum" }, cancellationToken: Token);
        Assert.Equal(2f, (await _client.ModelInferAsync(Sum(2), cancellationToken: Token)).Outputs[0].Contents.Fp32Contents[0]);
        Directory.Delete(_server.Repository.File("sum/1"), recursive: true);
        Assert.Equal(StatusCode.FailedPrecondition, await StatusOf(_client.RepositoryModelLoadAsync(new RepositoryModelLoadRequest { ModelName = "sum" }, cancellationToken: Token).ResponseAsync));

        async Task RollBack(long version)
        {
            _server.Registry.Traffic.SetLabel("sum", "canary", version);
            await _server.Registry.Traffic.RollBackAsync("sum", "canary", "bad", Token);
        }
    }

    [Fact]
    public async Task RepositoryModelUnload_OneHasALabel_UnloadsNone()
    {
        TestGraph.PublishSum(_server.Repository.Path, "sum", 2, factor: 2);
        await _client.RepositoryModelLoadAsync(new RepositoryModelLoadRequest { ModelName = "sum" }, cancellationToken: Token);
        _server.Registry.Traffic.SetLabel("sum", "stable", 1);
        Assert.Equal(StatusCode.FailedPrecondition, await StatusOf(_client.RepositoryModelUnloadAsync(new RepositoryModelUnloadRequest { ModelName = "sum" }, cancellationToken: Token).ResponseAsync));
        Assert.Equal(["sum/2 READY ", "sum/1 READY ", "toy/1 READY "], await Index());
    }

    [Fact]
    public async Task RepositoryIndex_ServingVersionIsReplacedBadly_IsReadyAndSoAreItsGauges()
    {
        await File.AppendAllTextAsync(_server.Repository.File("sum/1/model.onnx"), "no graph", Token);
        await Assert.ThrowsAnyAsync<Exception>(() => _server.Registry.LoadAsync("sum", 1, Token));
        Assert.Equal(["sum/1 READY ", "toy/1 READY "], await Index());
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri(_server.HttpAddress, "/metrics"), Token);
        Assert.Matches(@"recoserve_model_state\{[^}]*model=""sum"",version=""1""\} 3", metrics);
        Assert.DoesNotMatch(@"recoserve_model_state\{[^}]*model=""sum"",version=""1""\} 6", metrics);
    }

    private static ModelInferRequest Sum(params float[] rows) => new()
    {
        ModelName = "sum",
        Inputs = { new Tensor { Name = "x", Datatype = "FP32", Shape = { rows.Length, 1 }, Contents = new InferTensorContents { Fp32Contents = { rows } } } },
    };

    private static bool Add(ModelInferRequest request, byte[] raw)
    {
        request.RawInputContents.Add(ByteString.CopyFrom(raw));
        return true;
    }

    private static InferTensorContents Typed(string datatype, byte[] raw) => datatype switch
    {
        "BOOL" => new() { BoolContents = { false, true } },
        "UINT8" => new() { UintContents = { 0, 255 } },
        "UINT16" => new() { UintContents = { 0, 65535 } },
        "UINT32" => new() { UintContents = { 1, uint.MaxValue } },
        "UINT64" => new() { Uint64Contents = { 1, ulong.MaxValue } },
        "INT8" => new() { IntContents = { 127, -128 } },
        "INT16" => new() { IntContents = { 32767, -32768 } },
        "INT32" => new() { IntContents = { int.MaxValue, int.MinValue } },
        "INT64" => new() { Int64Contents = { 1, -1 } },
        "FP32" => new() { Fp32Contents = { 1, float.PositiveInfinity } },
        "FP64" => new() { Fp64Contents = { 1, double.PositiveInfinity } },
        _ => new() { BytesContents = { ByteString.CopyFrom(raw, 4, 2), ByteString.Empty } },
    };

    private static async Task<StatusCode> StatusOf(Task call)
    {
        try
        {
            await call;
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }

    private async Task<List<string>> Index() =>
        [.. (await _client.RepositoryIndexAsync(new RepositoryIndexRequest(), cancellationToken: Token)).Models.Select(m => $"{m.Name}/{m.Version} {m.State} {m.Reason}")];
}
