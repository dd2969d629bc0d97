using System.Text.RegularExpressions;
using RecoServe.Testing;

namespace RecoServe.Server.Tests;

/// <summary>What <c>/metrics</c> shows before the first request.</summary>
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
    [InlineData("target_info{.*service_name=\"recoserve\"")]
    public async Task Scrape_NoRequestYet_HasTheLine(string pattern)
    {
        using var http = new HttpClient();
        Assert.Matches(new Regex($"^{pattern}", RegexOptions.Multiline), await http.GetStringAsync(new Uri(_server.HttpAddress, "/metrics"), Token));
    }
}
