using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Tests.Data;

public sealed class ColumnTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16_384)]
    [InlineData(16_385)]
    [InlineData(200_001)]
    public void Slice_AnyPart_IsWhatWasAdded(int count)
    {
        var numbers = Enumerable.Range(0, count).Select(i => (long)i * i * 77_777).ToArray();
        Column<long> column = [.. numbers];
        Assert.Equal(count, column.Count);
        Assert.Equal(numbers, column);
        foreach (var (start, end) in ((int, int)[])[(0, count), (count / 2, count), (count / 3, count / 2), (count, count)])
            Assert.Equal(numbers[start..end], column.Slice(start, end - start).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => column.Slice(count, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => column.Slice(-1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => column.Slice(0, -1));
    }

    [Fact]
    public void Add_FileIsOpen_HasNoName()
    {
        using var writer = new ColumnWriter<ushort>();
        writer.Add(2);
        // Another test's may be on its way.
        Assert.True(SpinWait.SpinUntil(() => !Directory.EnumerateFiles(Path.GetTempPath(), "recotrain-*.column").Any(), TimeSpan.FromSeconds(10)));
        Assert.Equal([2], writer.Complete());
    }

    [Fact]
    public void Slice_Disposed_IsRefused()
    {
        Column<int> column = [1, 2];
        column.Dispose();
        column.Dispose();
        Assert.Throws<ObjectDisposedException>(() => column.Slice(0, 1));
    }
}
