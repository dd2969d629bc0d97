using System.Text.RegularExpressions;
using Grpc.Core;
using RecoServe.Contracts.V1;
using RecoServe.Testing;

namespace RecoServe.Server.Tests;

/// <summary>What <c>/metrics</c> shows.</summary>
/// <remarks>Alone: instruments of equal name are one for the exporter, and end with the first server of the process that ends.</remarks>
[Collection("metrics of the process")]
public sealed class MetricsTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Meters are the process's: a name of its own keeps out what other tests count.
    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(r => new TestModel { Name = "unasked" }.Publish(r));

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("recoserve_shed_total{.*model=\"unasked\",reason=\"queue_full\",version=\"1\"} 0\n")]
    [InlineData("recoserve_shed_total{.*model=\"unasked\",reason=\"deadline_exceeded\",version=\"1\"} 0\n")]
    [InlineData("recoserve_shed_total{.*model=\"unasked\",reason=\"cancelled\",version=\"1\"} 0\n")]
    [InlineData("recoserve_invalid_logits_total{.*model=\"unasked\",version=\"1\"} 0\n")]
    [InlineData("recoserve_refused_total{.*reason=\"threads_busy\"} [0-9]+\n")]
    [InlineData("recoserve_refused_total{.*reason=\"deadline_too_near\"} [0-9]+\n")]
    [InlineData("recoserve_refused_total{.*reason=\"queues_full\"} [0-9]+\n")]
    [InlineData("recoserve_refused_total{.*reason=\"memory_full\"} [0-9]+\n")]
    [InlineData("target_info{.*service_name=\"recoserve\"")]
    public async Task Scrape_NoRequestYet_HasTheLine(string pattern)
    {
        using var http = new HttpClient();
        Assert.Matches(new Regex($"^{pattern}", RegexOptions.Multiline), await http.GetStringAsync(new Uri(_server.HttpAddress, "/metrics"), Token));
    }

    /// <summary>A version that is swapped out keeps what it has counted, and counts on when it comes back.</summary>
    [Fact]
    public async Task Scrape_VersionIsSwappedOutAndComesBack_CountsOn()
    {
        new TestModel { Name = "unasked" }.Publish(_server.Repository.Path);
        var client = new RecommendationService.RecommendationServiceClient(_server.Channel);
        await client.RecommendAsync(new RecommendRequest(), cancellationToken: Token);
        await _server.Registry.LoadAsync("unasked", 2, Token);
        await _server.Registry.UnloadAsync("unasked", 1);
        await client.RecommendAsync(new RecommendRequest(), cancellationToken: Token);
        await AssertLinesAsync("request_seconds_count{version=\"1\"} 1", "request_seconds_count{version=\"2\"} 1", "model_state{version=\"1\"} 5", "model_state{version=\"2\"} 3");
        await _server.Registry.LoadAsync("unasked", 1, Token);
        await client.RecommendAsync(new RecommendRequest { Model = new ModelSpec { Version = 1 } }, cancellationToken: Token);
        await AssertLinesAsync("request_seconds_count{version=\"1\"} 2", "request_seconds_count{version=\"2\"} 1", "model_state{version=\"1\"} 3", "model_leases{version=\"1\"} 0");
    }

    [Fact]
    public async Task Scrape_CanaryIsRolledBackByItself_CountsByItsReasonAndTheVersionSaysIt()
    {
        new TestModel { Name = "unasked", Devices = ["tv"], FirstDeviceIsNaN = true }.Publish(_server.Repository.Path);
        await _server.Registry.LoadAsync("unasked", 2, Token);
        _server.Registry.Traffic.SetLabel("unasked", "stable", 1);
        _server.Registry.Traffic.SetLabel("unasked", "canary", 2);
        _server.Registry.Traffic.Set("unasked", t => t with { CanaryPercent = 100 });
        await AssertLinesAsync("rollback_total{reason=\"invalid\",version=\"2\"} 0");
        var models = new ModelService.ModelServiceClient(_server.Channel);
        var client = new RecommendationService.RecommendationServiceClient(_server.Channel);
        var reason = "";
        for (var i = 0; i < 100 && reason.Length == 0; i++)
        {
            await Assert.ThrowsAsync<RpcException>(() => client.RecommendAsync(new RecommendRequest { Context = { ["device"] = "tv" } }, cancellationToken: Token).ResponseAsync);
            reason = (await models.GetModelAsync(new GetModelRequest { Name = "unasked" }, cancellationToken: Token)).Model.Versions[0].RolledBack;
        }

        Assert.Matches("^[0-9]+ of [0-9]+ answers were NaN or infinite$", reason);
        await AssertLinesAsync("rollback_total{reason=\"invalid\",version=\"2\"} 1", "rollback_total{reason=\"errors\",version=\"2\"} 0");
    }

    /// <summary>What was scraped is kept for an instant: it may be a look or two until a change is seen.</summary>
    private async Task AssertLinesAsync(params string[] lines)
    {
        using var http = new HttpClient();
        string? missing;
        string scraped;
        var looks = 0;
        do
        {
            if (looks++ > 0)
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Token);
            scraped = await http.GetStringAsync(new Uri(_server.HttpAddress, "/metrics"), Token);
            missing = Array.Find(lines, line => !Regex.IsMatch(scraped, PatternOf(line), RegexOptions.Multiline));
        }
        while (missing is not null && looks < 50);
        Assert.True(missing is null, $"{missing} is not in\n{scraped}");
    }

    private static string PatternOf(string line)
    {
        var brace = line.IndexOf('{', StringComparison.Ordinal);
        return $"^recoserve_{line[..brace]}{{.*model=\"unasked\",{Regex.Escape(line[(brace + 1)..])}\n";
    }
}

[CollectionDefinition("metrics of the process", DisableParallelization = true)]
public sealed class ProcessMetricsCollection;
