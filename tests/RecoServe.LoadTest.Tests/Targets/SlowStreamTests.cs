using Microsoft.Extensions.Time.Testing;
using RecoServe.LoadTest.Targets;

namespace RecoServe.LoadTest.Tests.Targets;

public sealed class SlowStreamTests
{
    [Fact]
    public async Task Read_ManyBytes_ComeAtTheSpeed()
    {
        var clock = new FakeTimeProvider();
        await using var stream = new SlowStream(new MemoryStream(new byte[1000]), bytesPerSecond: 100, clock);
        var buffer = new byte[1000];
        var read = 0;
        for (var tenths = 0; tenths < 10; tenths++)
        {
            var pending = stream.ReadAsync(buffer, TestContext.Current.CancellationToken);
            Assert.False(pending.IsCompleted);
            clock.Advance(TimeSpan.FromSeconds(0.1));
            read += await pending;
        }

        Assert.Equal(100, read);
    }
}
