using RecoServe.Engine.Packages;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Tests.Training;

public sealed class HistorySampleTests
{
    [Fact]
    public void Read_WrittenTimes_AreTheSame()
    {
        var path = Path.GetTempFileName();
        var sample = HistorySample.Draw(TinyLogs.Timed(users: 9), 50, 1, withTimes: true);
        HistorySample.Write(path, sample);
        Assert.Equal(sample.Select(q => string.Join(' ', q.Times.ToArray())), HistorySample.Read(path).Select(q => string.Join(' ', q.Times.ToArray())));
        Assert.Contains(sample, q => q.Times.Length > 5);
        File.Delete(path);
    }

    [Fact]
    public void Draw_AnyLog_HasTheEdgesAndAllLengths()
    {
        var log = TinyLogs.Contextual();
        var sample = HistorySample.Draw(log, maxHistory: 50, seed: 1);
        Assert.InRange(sample.Count, 500, 10_000);
        Assert.Equal([0, 1], sample.Take(2).Select(q => q.History.Length));
        Assert.InRange(sample[2].History.Length, 51, 100);
        Assert.Equal(Enumerable.Range(0, 20), sample.Skip(3).Select(q => q.History.Length).Distinct().Order());
        Assert.Contains(sample, q => q.Context.Span[1] == 3);
        Assert.All(sample, q => Assert.Equal(2, q.Context.Length));
    }

    [Fact]
    public void Draw_SmallLog_HasEveryHistoryOnce()
    {
        var sample = HistorySample.Draw(TinyLogs.Cycle(users: 4, items: 9, length: 3), maxHistory: 5, seed: 1);
        string[] histories = [.. sample.Skip(3).Select(q => string.Join(' ', q.History.ToArray())).Order(StringComparer.Ordinal)];
        Assert.Equal(["1 2", "2", "2 3", "3", "3 4", "4", "4 5"], histories);
        Assert.Equal(1000, HistorySample.Draw(TinyLogs.Contextual(), maxHistory: 50, seed: 1).Count);
    }

    [Fact]
    public void Read_WhatWasWritten_IsTheSame()
    {
        var path = Path.GetTempFileName();
        var sample = HistorySample.Draw(TinyLogs.Contextual(), 50, 1);
        HistorySample.Write(path, sample);
        var read = HistorySample.Read(path);
        Assert.Equal(sample.Select(q => q.History.ToArray()), read.Select(q => q.History.ToArray()));
        Assert.Equal(sample.Select(q => q.Context.ToArray()), read.Select(q => q.Context.ToArray()));

        File.WriteAllText(path, "1 2\t0\n1 x\t0\n");
        Assert.Contains("line 2", Assert.Throws<PackageException>(() => HistorySample.Read(path)).Message, StringComparison.Ordinal);
        File.Delete(path);
    }
}
