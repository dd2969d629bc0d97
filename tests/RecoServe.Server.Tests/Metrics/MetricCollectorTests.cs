using System.Diagnostics.Metrics;
using RecoServe.Engine;
using RecoServe.Engine.Inference;
using RecoServe.Server.Metrics;

namespace RecoServe.Server.Tests.Metrics;

/// <summary>What is made of measurements, and what becomes of it.</summary>
public sealed class MetricCollectorTests : IDisposable
{
    private readonly EngineMetrics _engine = new();
    private readonly ServerMetrics _server = new();
    private readonly Factory _factory = new();
    private readonly MetricCollector _collector;

    public MetricCollectorTests() => _collector = new MetricCollector(_engine, _server, _factory);

    public void Dispose()
    {
        _collector.Dispose();
        _factory.Dispose();
        _server.Dispose();
        _engine.Dispose();
    }

    /// <summary>Eighty a day for a month: the stable version stays, the others come, answer and go.</summary>
    [Fact]
    public void Scrape_TwoThousandVersionsCameAndWent_ShowsWhatServesAndIsAsSmallAsBefore()
    {
        using var stable = _engine.ForVersion("toy", 1, TimeProvider.System);
        var before = 0;
        for (var version = 2; version <= 2001; version++)
        {
            using var passing = _engine.ForVersion("toy", version, TimeProvider.System);
            Answer(passing);
            Answer(stable);
            if (version == 2)
                before = _collector.Scrape().Length;
        }

        var scraped = _collector.Scrape();
        Assert.InRange(scraped.Length, 1, before);
        Assert.Contains("\nrecoserve_request_seconds_count{model=\"toy\",version=\"1\"} 2000\n", scraped, StringComparison.Ordinal);
        Assert.Contains("\nrecoserve_request_seconds_sum{model=\"toy\",version=\"1\"} 4000\n", scraped, StringComparison.Ordinal);
        Assert.Contains("\nrecoserve_shed_total{model=\"toy\",reason=\"late\",version=\"1\"} 2000\n", scraped, StringComparison.Ordinal);
        Assert.DoesNotContain("version=\"2001\"", scraped, StringComparison.Ordinal);
    }

    [Fact]
    public void Scrape_VersionIsReplacedByOneOfItsNumber_CountsOn()
    {
        var old = _engine.ForVersion("toy", 1, TimeProvider.System);
        Answer(old);
        using var next = _engine.ForVersion("toy", 1, TimeProvider.System);
        old.Dispose();
        old.Dispose(); // when it is replaced, and when it has ended
        Answer(old);
        Answer(next);
        Assert.Contains("recoserve_request_seconds_count{model=\"toy\",version=\"1\"} 3\n", _collector.Scrape(), StringComparison.Ordinal);
    }

    [Fact]
    public void Scrape_Histogram_HasCumulativeBucketsWithTheirBoundsInside()
    {
        using var version = _engine.ForVersion("toy", 1, TimeProvider.System);
        foreach (var rows in new[] { 1, 2, 3, 5000 })
            version.Batch(rows, 0, default, default);
        Assert.Contains(
            """
            # TYPE recoserve_batch_size histogram
            # HELP recoserve_batch_size Rows in a batch.
            recoserve_batch_size_bucket{model="toy",version="1",le="1"} 1
            recoserve_batch_size_bucket{model="toy",version="1",le="2"} 2
            recoserve_batch_size_bucket{model="toy",version="1",le="4"} 3
            recoserve_batch_size_bucket{model="toy",version="1",le="8"} 3

            """,
            _collector.Scrape(), StringComparison.Ordinal);
        Assert.Contains(
            """
            recoserve_batch_size_bucket{model="toy",version="1",le="+Inf"} 4
            recoserve_batch_size_sum{model="toy",version="1"} 5006
            recoserve_batch_size_count{model="toy",version="1"} 4

            """,
            _collector.Scrape(), StringComparison.Ordinal);
    }

    [Fact]
    public void Scrape_GaugeIsNoLongerObserved_IsGone()
    {
        var version = _engine.ForVersion("toy", 1, TimeProvider.System);
        version.ObserveState(() => 3);
        Assert.Contains("recoserve_model_state{model=\"toy\",version=\"1\"} 3\n", _collector.Scrape(), StringComparison.Ordinal);
        version.Dispose();
        Assert.DoesNotContain("recoserve_model_state", _collector.Scrape(), StringComparison.Ordinal);
    }

    /// <summary>Other servers of the process have instruments of the same names.</summary>
    [Fact]
    public void Scrape_AnotherServerMeasures_IsNotItsOwn()
    {
        using var other = new EngineMetrics();
        using var version = other.ForVersion("toy", 1, TimeProvider.System);
        Answer(version);
        using var meter = new Meter("Microsoft.AspNetCore.Server.Kestrel");
        meter.CreateCounter<long>("kestrel.other").Add(1);
        Assert.DoesNotMatch("toy|kestrel_other", _collector.Scrape());
    }

    [Theory]
    [InlineData(typeof(Counter<long>), "a.b", "s", "a_b_seconds_total")]
    [InlineData(typeof(Counter<long>), "a.read", "By", "a_read_bytes_total")]
    [InlineData(typeof(Counter<long>), "a.total", "{request}", "a_total")]
    [InlineData(typeof(UpDownCounter<long>), "a.share", "1", "a_share_ratio")]
    [InlineData(typeof(Histogram<long>), "a.share", "1", "a_share")]
    [InlineData(typeof(Histogram<long>), "a.time_seconds", "s", "a_time_seconds")]
    public void Scrape_Instrument_IsCalledByUnitAndKind(Type kind, string name, string unit, string expected)
    {
        var meter = _factory.Create(new MeterOptions("Microsoft.AspNetCore.Server.Kestrel"));
        if (kind == typeof(Counter<long>))
            meter.CreateCounter<long>(name, unit).Add(1);
        else if (kind == typeof(UpDownCounter<long>))
            meter.CreateUpDownCounter<long>(name, unit).Add(1);
        else
            meter.CreateHistogram<long>(name, unit).Record(1);
        Assert.Contains($"# TYPE {expected} ", _collector.Scrape(), StringComparison.Ordinal);
    }

    [Fact]
    public void Scrape_LabelValue_IsEscaped()
    {
        _factory.Create(new MeterOptions("Microsoft.AspNetCore.Server.Kestrel")).CreateUpDownCounter<int>("odd").Add(-2, new KeyValuePair<string, object?>("a.b", "x\\y\"z\n"));
        Assert.Contains("\nodd{a_b=\"x\\\\y\\\"z\\n\"} -2\n", _collector.Scrape(), StringComparison.Ordinal);
    }

    private static void Answer(VersionMetrics version)
    {
        version.Request(TimeSpan.FromSeconds(2), Degradation.None);
        version.Shed(ShedReason.Late);
        version.Batch(1, 0.5, default, default(BatchRun));
    }

    private sealed class Factory : IMeterFactory
    {
        private readonly List<Meter> _meters = [];

        public Meter Create(MeterOptions options)
        {
            options.Scope = this;
            var meter = new Meter(options);
            _meters.Add(meter);
            return meter;
        }

        public void Dispose() => _meters.ForEach(m => m.Dispose());
    }
}
