using System.Diagnostics.Metrics;
using RecoServe.Engine.Registry;
using RecoServe.Testing;
using RecoServe.Testing.Stores;

namespace RecoServe.Engine.Tests.Stores;

/// <summary>A real S3 server, with a prefix of its own for each test.</summary>
public sealed class BucketFixture : IAsyncLifetime
{
    private S3Server? _server;
    private string _reason = "";
    private int _prefixes;

    internal S3Server Server
    {
        get
        {
            Assert.SkipWhen(_server is null, _reason);
            return _server!;
        }
    }

    public async ValueTask InitializeAsync() => (_server, _reason) = await S3Server.TryStartAsync();

    public ValueTask DisposeAsync()
    {
        _server?.Dispose();
        return ValueTask.CompletedTask;
    }

    internal string NewPrefix() => $"test-{Interlocked.Increment(ref _prefixes)}";

    /// <summary>Makes a registry serve from the bucket.</summary>
    internal Action<RegistryOptions> Serve(string prefix, TemporaryDirectory cache, Action<RegistryOptions>? change = null) => options =>
    {
        (options.Repository, options.Cache) = ($"s3://{S3Server.Bucket}/{prefix}", cache.Path);
        (options.S3Endpoint, options.S3PathStyle) = (Server.Endpoint, true);
        change?.Invoke(options);
    };

    /// <summary>Where a version is in the cache.</summary>
    internal static string Cached(string prefix, TemporaryDirectory cache, long version) =>
        cache.File($"{S3Server.Bucket}~{prefix}/toy/{version}");

    /// <summary>What a counter has counted since now.</summary>
    internal static Func<long> Count(EngineMetrics metrics, string instrument)
    {
        long counted = 0;
        var listener = new MeterListener
        {
            InstrumentPublished = (found, l) =>
            {
                if (found.Name == instrument && (found == metrics.StoreBytes || found == metrics.StoreFailures))
                    l.EnableMeasurementEvents(found);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref counted, value));
        listener.Start();
        return () => Interlocked.Read(ref counted);
    }
}
