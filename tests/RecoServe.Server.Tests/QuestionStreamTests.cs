using System.Globalization;
using System.Text.RegularExpressions;
using System.Threading.Channels;
using Grpc.Core;
using RecoServe.Contracts.V1;
using RecoServe.Testing;
using QuestionStream = RecoServe.Server.Services.QuestionStream;

namespace RecoServe.Server.Tests;

public sealed class QuestionStreamTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private RecommendationService.RecommendationServiceClient _client = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync(settings: ("Server:DrainTime", "00:00:00.250"));
        _client = new RecommendationService.RecommendationServiceClient(_server.Channel);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task RecommendStream_GoodAndBadQuestions_EachHasItsAnswer()
    {
        using var call = _client.RecommendStream(cancellationToken: Token);
        var reading = ReadAllAsync(call.ResponseStream);
        for (var i = 0; i < 500; i++)
            await call.RequestStream.WriteAsync(Question(i), Token);
        await call.RequestStream.CompleteAsync();
        var answers = (await reading).ToDictionary(a => a.RequestId);
        Assert.Equal(500, answers.Count);
        for (var i = 0; i < 500; i++)
        {
            var answer = answers[$"r{i}"];
            if (i % 7 == 0)
            {
                Assert.Equal(((int)StatusCode.InvalidArgument, "slate_size"), (answer.Error.Code, answer.Error.Field));
                continue;
            }

            var alone = await _client.RecommendAsync(Question(i).Request, cancellationToken: Token);
            Assert.Equal(alone.Items, answer.Response.Items);
        }
    }

    [Fact]
    public async Task RecommendStream_QuestionWithoutRequest_IsTheEmptyRequest()
    {
        using var call = _client.RecommendStream(cancellationToken: Token);
        await call.RequestStream.WriteAsync(new RecommendStreamRequest(), Token);
        await call.RequestStream.CompleteAsync();
        Assert.Equal(10, Assert.Single(await ReadAllAsync(call.ResponseStream)).Response.Items.Count);
    }

    [Fact]
    public async Task RecommendStream_QueueFull_QuestionsAreToldWhenToComeAgain()
    {
        // A slow model (a large catalogue, one row a batch) and room for one in the queue.
        await using var server = await RunningServer.StartAsync(
            r => new TestModel { ItemCount = 200_000, Dimension = 64 }.Publish(r), ("Batcher:QueueCapacity", "1"), ("Runner:MaxBatchSize", "1"));
        using var call = new RecommendationService.RecommendationServiceClient(server.Channel).RecommendStream(cancellationToken: Token);
        var reading = ReadAllAsync(call.ResponseStream);
        for (var i = 0; i < 200; i++)
            await call.RequestStream.WriteAsync(new RecommendStreamRequest { Request = new RecommendRequest { RequestId = $"r{i}" } }, Token);
        await call.RequestStream.CompleteAsync();
        var answers = await reading;
        Assert.Equal(200, answers.Count);
        var refused = answers.Where(a => a.Error is not null).Select(a => a.Error).ToArray();
        Assert.NotEmpty(refused);
        Assert.All(refused, e => Assert.Equal((int)StatusCode.ResourceExhausted, e.Code));
        Assert.All(refused, e => Assert.True(e.RetryAfter?.ToTimeSpan() > TimeSpan.Zero));
    }

    [Fact]
    public async Task ScoreStream_GoodAndBadQuestions_EachHasItsAnswer()
    {
        using var call = _client.ScoreStream(cancellationToken: Token);
        var answers = new Dictionary<string, ScoreStreamResponse>();
        for (var i = 0; i < 50; i++)
        {
            var request = new ScoreRequest { RequestId = $"s{i}" };
            if (i % 5 > 0)
                request.CandidateIds.Add($"i{(i % 20) + 1}");
            await call.RequestStream.WriteAsync(new ScoreStreamRequest { Request = request }, Token);
        }

        await call.RequestStream.CompleteAsync();
        while (await call.ResponseStream.MoveNext(Token))
            answers.Add(call.ResponseStream.Current.RequestId, call.ResponseStream.Current);
        Assert.Equal(50, answers.Count);
        Assert.Equal("candidate_ids", answers["s0"].Error.Field);
        Assert.Equal("i2", Assert.Single(answers["s1"].Response.Items).ItemId);
    }

    /// <summary>Its memory is held until it is answered, and nothing is read before all answers have been sent.</summary>
    [Fact]
    public async Task LargeQuestion_IsAnsweredBeforeTheNextIsRead()
    {
        var (asked, sent) = (Channel.CreateUnbounded<int>(), Channel.CreateUnbounded<int>());
        TaskCompletionSource<int>[] answers = [.. Enumerable.Range(0, 3).Select(_ => new TaskCompletionSource<int>())];
        var (reader, memory) = (new Questions(2), new Memory());
        var answering = QuestionStream.AnswerAsync(
            reader, new Answers(sent.Writer),
            question =>
            {
                asked.Writer.TryWrite(question);
                return answers[question].Task;
            },
            () => reader.Current == 1 ? memory : null, Token);
        Assert.Equal(0, await asked.Reader.ReadAsync(Token));
        Assert.Equal(1, await asked.Reader.ReadAsync(Token)); // after a small one it reads on
        answers[1].SetResult(1);
        Assert.Equal(1, await sent.Reader.ReadAsync(Token));
        Assert.True(memory.IsGivenBack);
        Assert.Equal(1, reader.Current); // question 0 is not answered yet
        answers[0].SetResult(0);
        Assert.Equal(2, await asked.Reader.ReadAsync(Token));
        answers[2].SetResult(2);
        await answering;
    }

    [Fact]
    public async Task RecommendStream_AnswersAreNotRead_NoMoreQuestionsAreTaken()
    {
        const int Questions = 20_000;
        using var call = _client.RecommendStream(cancellationToken: Token);
        var writing = Task.Run(
            async () =>
            {
                // So large that the system's buffers do not hold them all.
                var user = new string('u', 1000);
                for (var i = 0; i < Questions; i++)
                {
                    var question = Question(i);
                    question.Request.UserId = user;
                    await call.RequestStream.WriteAsync(question, Token);
                }

                await call.RequestStream.CompleteAsync();
            },
            Token);
        // Until nothing more is computed: what is in flight, and what the connection's buffers hold.
        var (computed, before) = (await ComputedAsync(), -1);
        while (computed < 64 || computed != before)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, Token);
            (before, computed) = (computed, await ComputedAsync());
        }

        Assert.InRange(computed, 64, Questions / 4);
        Assert.False(writing.IsCompleted);
        Assert.Equal(Questions, (await ReadAllAsync(call.ResponseStream)).Count);
        await writing;
    }

    [Fact]
    public async Task RecommendStream_CallerGoesAway_NothingIsHeld()
    {
        for (var round = 0; round < 20; round++)
        {
            using var cancel = new CancellationTokenSource();
            using var call = _client.RecommendStream(cancellationToken: cancel.Token);
            for (var i = 0; i < 100; i++)
                await call.RequestStream.WriteAsync(Question(i), Token);
            await cancel.CancelAsync();
        }

        // Unloading waits for every lease.
        await _server.Registry.UnloadAsync("toy", 1).WaitAsync(TimeSpan.FromSeconds(30), Token);
    }

    [Fact]
    public async Task RecommendStream_ServerStops_AnswersWhatItTookThenIsUnavailable()
    {
        using var call = _client.RecommendStream(cancellationToken: Token);
        await call.RequestStream.WriteAsync(Question(1), Token);
        Assert.True(await call.ResponseStream.MoveNext(Token));
        var stopping = _server.App.StopAsync(Token);
        var e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(Token));
        Assert.True(e.StatusCode == StatusCode.Unavailable, e.ToString());
        await stopping;
    }

    private static RecommendStreamRequest Question(int i) => new()
    {
        Request = new RecommendRequest
        {
            RequestId = $"r{i}",
            SlateSize = i % 7 == 0 ? -1 : 3,
            History = { new Watch { ItemId = $"i{(i % 20) + 1}" } },
        },
    };

    private static async Task<List<RecommendStreamResponse>> ReadAllAsync(IAsyncStreamReader<RecommendStreamResponse> answers)
    {
        var read = new List<RecommendStreamResponse>();
        while (await answers.MoveNext(Token))
            read.Add(answers.Current);
        return read;
    }

    private async Task<int> ComputedAsync()
    {
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri(_server.HttpAddress, "/metrics"), Token);
        var count = Regex.Match(metrics, "recoserve_request_seconds_count{[^}]*} ([0-9]+)");
        return count.Success ? int.Parse(count.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
    }

    private sealed class Questions(int last) : IAsyncStreamReader<int>
    {
        public int Current { get; private set; } = -1;

        public Task<bool> MoveNext(CancellationToken cancellationToken) => Task.FromResult(Current < last && ++Current <= last);
    }

    private sealed class Answers(ChannelWriter<int> sent) : IAsyncStreamWriter<int>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(int message) => sent.WriteAsync(message).AsTask();

        public Task WriteAsync(int message, CancellationToken cancellationToken) => WriteAsync(message);
    }

    private sealed class Memory : IDisposable
    {
        internal bool IsGivenBack { get; private set; }

        public void Dispose() => IsGivenBack = true;
    }
}
