using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;
using RecoServe.Engine.Tests.Registry;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests;

/// <summary>Draws over long rows take turns: nobody's answer is another's, and nobody who leaves takes a turn along.</summary>
public sealed class LongCatalogueTests : IAsyncDisposable
{
    private const int Items = 150_000;

    private readonly RegistryFixture _fixture = new();

    private static CancellationToken Token => RegistryFixture.Token;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Recommend_ManyAtOnceAndManyCancelled_EachOfTheOthersGetsItsOwn()
    {
        _fixture.Publish(new TestModel { ItemCount = Items }, 1);
        using var recommender = new Recommender(await _fixture.StartAsync(), new DegradationOptions(), TimeProvider.System);
        var alone = new List<string[]>();
        for (var i = 0; i < 8; i++)
            alone.Add(Ids(await recommender.RecommendAsync(Request(i), Token)));

        for (var round = 0; round < 3; round++)
        {
            using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Token);
            var left = Enumerable.Range(0, 64).Select(i => recommender.RecommendAsync(Request(i % 8), leaving.Token)).ToArray();
            var stayed = Enumerable.Range(0, 32).Select(i => recommender.RecommendAsync(Request(i % 8), Token)).ToArray();
            await Task.WhenAny(left);
            await leaving.CancelAsync();
            var slates = await Task.WhenAll(stayed);
            for (var i = 0; i < slates.Length; i++)
                Assert.Equal(alone[i % 8], Ids(slates[i]));
            foreach (var call in left)
            {
                await call.ContinueWith(static _ => { }, Token, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                Assert.False(call.IsFaulted);
            }
        }
    }

    private static SlateRequest Request(int i) => new()
    {
        Model = new ModelSelector("toy"),
        History = [TestModel.IdOf(i + 1)],
        Sampling = new SamplingParameters { Seed = (ulong)i, TopP = 0.5 },
    };

    private static string[] Ids(Slate slate) => [.. slate.Items.Select(item => item.ItemId)];
}
