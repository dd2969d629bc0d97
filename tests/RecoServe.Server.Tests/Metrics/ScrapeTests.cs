using System.Globalization;
using System.Text.RegularExpressions;
using Grpc.Core;
using RecoServe.Contracts.V1;
using RecoServe.Testing;

namespace RecoServe.Server.Tests.Metrics;

/// <summary>What <c>/metrics</c> shows of a real server.</summary>
public sealed class ScrapeTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(r => new TestModel().Publish(r));

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("recoserve_shed_total{.*model=\"toy\",reason=\"queue_full\",version=\"1\"} 0\n")]
    [InlineData("recoserve_shed_total{.*model=\"toy\",reason=\"deadline_exceeded\",version=\"1\"} 0\n")]
    [InlineData("recoserve_shed_total{.*model=\"toy\",reason=\"cancelled\",version=\"1\"} 0\n")]
    [InlineData("recoserve_invalid_logits_total{.*model=\"toy\",version=\"1\"} 0\n")]
    [InlineData("recoserve_refused_total{.*reason=\"threads_busy\"} [0-9]+\n")]
    [InlineData("recoserve_refused_total{.*reason=\"deadline_too_near\"} [0-9]+\n")]
    [InlineData("recoserve_refused_total{.*reason=\"queues_full\"} [0-9]+\n")]
    [InlineData("recoserve_refused_total{.*reason=\"memory_full\"} [0-9]+\n")]
    [InlineData("target_info{.*service_name=\"recoserve\"")]
    public async Task Scrape_NoRequestYet_HasTheLine(string pattern)
    {
        Assert.Matches(new Regex($"^{pattern}", RegexOptions.Multiline), await ScrapeAsync());
    }

    /// <summary>A version that is swapped out keeps what it has counted, and counts on when it comes back.</summary>
    [Fact]
    public async Task Scrape_VersionIsSwappedOutAndComesBack_CountsOn()
    {
        new TestModel().Publish(_server.Repository.Path);
        var client = new RecommendationService.RecommendationServiceClient(_server.Channel);
        await client.RecommendAsync(new RecommendRequest(), cancellationToken: Token);
        await _server.Registry.LoadAsync("toy", 2, Token);
        await _server.Registry.UnloadAsync("toy", 1);
        await client.RecommendAsync(new RecommendRequest(), cancellationToken: Token);
        await AssertLinesAsync("request_seconds_count{version=\"1\"} 1", "request_seconds_count{version=\"2\"} 1", "model_state{version=\"1\"} 5", "model_state{version=\"2\"} 3");
        await _server.Registry.LoadAsync("toy", 1, Token);
        await client.RecommendAsync(new RecommendRequest { Model = new ModelSpec { Version = 1 } }, cancellationToken: Token);
        await AssertLinesAsync("request_seconds_count{version=\"1\"} 2", "request_seconds_count{version=\"2\"} 1", "model_state{version=\"1\"} 3", "model_leases{version=\"1\"} 0");
    }

    [Fact]
    public async Task Scrape_CanaryIsRolledBackByItself_CountsByItsReasonAndTheVersionSaysIt()
    {
        new TestModel { Devices = ["tv"], FirstDeviceIsNaN = true }.Publish(_server.Repository.Path);
        await _server.Registry.LoadAsync("toy", 2, Token);
        _server.Registry.Traffic.SetLabel("toy", "stable", 1);
        _server.Registry.Traffic.SetLabel("toy", "canary", 2);
        _server.Registry.Traffic.Set("toy", t => t with { CanaryPercent = 100 });
        await AssertLinesAsync("rollback_total{reason=\"invalid\",version=\"2\"} 0");
        var models = new ModelService.ModelServiceClient(_server.Channel);
        var client = new RecommendationService.RecommendationServiceClient(_server.Channel);
        var reason = "";
        for (var i = 0; i < 100 && reason.Length == 0; i++)
        {
            await Assert.ThrowsAsync<RpcException>(() => client.RecommendAsync(new RecommendRequest { Context = { ["device"] = "tv" } }, cancellationToken: Token).ResponseAsync);
            reason = (await models.GetModelAsync(new GetModelRequest { Name = "toy" }, cancellationToken: Token)).Model.Versions[0].RolledBack;
        }

        Assert.Matches("^[0-9]+ of [0-9]+ answers were NaN or infinite$", reason);
        await AssertLinesAsync("rollback_total{reason=\"invalid\",version=\"2\"} 1", "rollback_total{reason=\"errors\",version=\"2\"} 0");
    }

    /// <summary>A version that has ended is shown as long as it is listed, then its series go: their number does not grow with that of the swaps.</summary>
    [Fact]
    public async Task Scrape_AfterMoreSwapsThanEndedVersionsAreKept_ShowsWhatServesAndNoMore()
    {
        const int versions = 40;
        for (var version = 2; version <= versions; version++)
        {
            new TestModel().Publish(_server.Repository.Path, version);
            await _server.Registry.LoadAsync("toy", version, Token);
            await _server.Registry.UnloadAsync("toy", version - 1);
        }

        var client = new RecommendationService.RecommendationServiceClient(_server.Channel);
        await client.RecommendAsync(new RecommendRequest(), cancellationToken: Token);
        await AssertLinesAsync($"request_seconds_count{{version=\"{versions}\"}} 1", $"model_state{{version=\"{versions}\"}} 3");
        var listed = _server.Registry.Models["toy"].Select(v => v.Version).Order().ToArray();
        Assert.InRange(listed.Length, 30, 35);
        Assert.Equal(listed, VersionsOf(await ScrapeAsync()));
    }

    private static long[] VersionsOf(string scraped) =>
        [.. Regex.Matches(scraped, ",version=\"([0-9]+)\"").Select(m => long.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture)).Distinct().Order()];

    private async Task<string> ScrapeAsync()
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri(_server.HttpAddress, "/metrics"), Token);
    }

    private async Task AssertLinesAsync(params string[] lines)
    {
        var scraped = await ScrapeAsync();
        Assert.All(lines, line => Assert.Matches(new Regex(PatternOf(line), RegexOptions.Multiline), scraped));
    }

    private static string PatternOf(string line)
    {
        var brace = line.IndexOf('{', StringComparison.Ordinal);
        return $"^recoserve_{line[..brace]}{{.*model=\"toy\",{Regex.Escape(line[(brace + 1)..])}\n";
    }
}
