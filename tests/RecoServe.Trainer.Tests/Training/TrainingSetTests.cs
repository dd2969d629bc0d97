using RecoServe.Trainer.Data;
using RecoServe.Trainer.Training;
using TorchSharp;

namespace RecoServe.Trainer.Tests.Training;

[Collection(Torch.Collection)]
public sealed class TrainingSetTests
{
    [Fact]
    public void Batch_TwoUsers_EveryEventIsATargetOfTheEventsBeforeIt()
    {
        var log = TinyLogs.Build(9, [[1, 2, 3, 9], [4, 9], [5]], [("hour", ["0", "1"], [1, 2, 0, 0, 2, 0, 1])]);
        var set = new TrainingSet(log, [3, 1, 0], maxHistory: 100);
        var batch = set.Batch(Assert.Single(set.Epoch(1, 1, 8)));

        Assert.Equal(2, set.WindowCount);
        using var items = batch.Items();
        using var targets = batch.Targets();
        using var cells = batch.Cells();
        using var context = batch.Context();
        Assert.Equal([2, 3], items.shape);
        Assert.Equal([0, 0, 0, 0, 1, 2], items.data<long>().ToArray());
        Assert.Equal([4, 1, 2, 3], targets.data<long>().ToArray());
        Assert.Equal([0, 3, 4, 5], cells.data<long>().ToArray());
        Assert.Equal([2, 1, 2, 0], context.data<long>().ToArray());
        Assert.Equal([0, 1, 1, 1, 1, 0, 0, 0, 0, 0], set.ItemCounts);
    }

    [Fact]
    public void Epoch_LongHistory_IsCutToTheNewest_ButCountedWhole()
    {
        var set = new TrainingSet(TinyLogs.Build(5, [[1, 2, 3, 4, 5]], []), [4], maxHistory: 2);
        Assert.Equal([3, 4], set.Read(Assert.Single(Assert.Single(set.Epoch(1, 1, 8)))).Items.ToArray());
        Assert.Equal([0, 1, 1, 1, 1, 0], set.ItemCounts);
    }

    [Fact]
    public void Epoch_SeveralWindows_EveryEventIsATargetOnce_TheNewestFirst()
    {
        var log = TinyLogs.Build(9, [[1, 2, 3, 4, 5, 6, 7, 8], [9]], []);
        string[] Windows(int count)
        {
            var set = new TrainingSet(log, [7, 1], maxHistory: 3, count);
            return [.. set.Epoch(1, 1, 8).SelectMany(b => b).Select(set.Read).Select(w => $"{w.Start}: {string.Join(' ', w.Items.ToArray())}").Order(StringComparer.Ordinal)];
        }

        Assert.Equal(["0: 1 2 3", "0: 9", "2: 3 4 5", "4: 5 6 7"], Windows(9));
        Assert.Equal(["0: 9", "2: 3 4 5", "4: 5 6 7"], Windows(2));
        Assert.Equal(["0: 9", "4: 5 6 7"], Windows(1));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 9], Targets(new TrainingSet(log, [7, 1], maxHistory: 3, windowsPerUser: 9)).Order());
    }

    /// <summary>Before the window's first event there were others, so its state is not the one after the start marker.</summary>
    [Fact]
    public void Epoch_WindowWithinAHistory_ItsFirstEventIsReadOnly()
    {
        var log = TinyLogs.Build(9, [[1, 2, 3, 4, 5]], []);
        Assert.Equal([4, 5], Targets(new TrainingSet(log, [5], maxHistory: 3)));
        Assert.Equal([5], Targets(new TrainingSet(log, [5], new FitOptions { MaxHistory = 1 }.Window)));

        var shown = log.With(new FeedbackLog([0, 4], [2, 3, 3, 4], [3, 4, 9, 5], [1, 1, 0, 1], null, null, []));
        Assert.Equal([4, 9, 5], Targets(new TrainingSet(shown, [5], maxHistory: 3)));
        Assert.Equal([3, 4, 5, 9], Targets(new TrainingSet(shown, [5], maxHistory: 3, windowsPerUser: 2)).Order());
    }

    /// <summary>Item 1 is watched in training, 2 and 3 are held out: their displays are not learned, unless nothing came of them.</summary>
    [Fact]
    public void Epoch_DisplaysThatLedToAHeldOutWatch_AreNotLearned()
    {
        var log = TinyLogs.Build(9, [[5, 1, 2, 3]], []).With(new FeedbackLog(
            [0, 8], [0, 0, 1, 1, 1, 1, 1, 2], [5, 2, 1, 2, 3, 4, 9, 2], [1, 0, 1, 1, 2, 0, 1, 1], null, [1, 2, 3, 4, 5, 6, 7, 8], []));
        var set = new TrainingSet(log, [2], maxHistory: 100);
        Assert.Equal([5, 2, 1, 4, 9], Targets(set));
        Assert.Equal([1, 2, 3, 6, 7], set.Read(Assert.Single(Assert.Single(set.Epoch(1, 1, 8)))).Feedback!.Slots!.Value.ToArray().Select(slot => (int)slot));
        Assert.Equal([0, 1, 1, 0, 1, 1, 0, 0, 0, 1], set.ShownCounts);
        Assert.Equal([5, 2, 1, 2, 3, 4, 9, 2], Targets(new TrainingSet(log, [4], maxHistory: 100)));
    }

    /// <summary>Of the first user 2 is the validation and 3 the test; what led to the test, and what was shown after it, nobody has known. The second has nothing after training.</summary>
    [Theory]
    [InlineData(100, new long[] { 0, 5, 1 }, new long[] { 2, 2 })]
    [InlineData(2, new long[] { 0, 1 }, new long[] { 1, 1 })]
    public void HeldOut_AreTheDisplaysBetweenTrainingAndTest_SeenFromTheWatchesBefore(int maxHistory, long[] items, long[] cells)
    {
        using var scope = torch.NewDisposeScope();
        var log = TinyLogs.Build(9, [[5, 1, 2, 3], [4, 6]], []).With(new FeedbackLog(
            [0, 6, 8], [0, 1, 2, 2, 3, 4, 0, 1], [5, 1, 2, 9, 3, 8, 4, 6], [1, 1, 1, 0, 1, 0, 1, 1], null, null, []));

        var batch = Assert.Single(new TrainingSet(log, [2, 2], maxHistory, known: [3, 2]).HeldOut(16));
        Assert.Equal([2, 9], batch.Targets().data<long>().ToArray());
        Assert.Equal(items, batch.Items().data<long>().ToArray());
        Assert.Equal(cells, batch.Cells().data<long>().ToArray());
        Assert.Empty(new TrainingSet(log, [2, 2], maxHistory).HeldOut(16));
    }

    [Fact]
    public void Epoch_SameSeedAndNumber_SameBatches_OtherNumberOtherOnes()
    {
        var log = TinyLogs.Cycle(users: 200);
        var set = new TrainingSet(log, TinyLogs.AllButLast(log), 100);
        var again = new TrainingSet(log, TinyLogs.AllButLast(log), 100);
        Assert.Equal(Order(set, 1, 1), Order(again, 1, 1));
        Assert.NotEqual(Order(set, 1, 1), Order(set, 1, 2));
        Assert.NotEqual(Order(set, 1, 1), Order(set, 2, 1));
        Assert.Equal(200, set.Epoch(1, 1, 16).Sum(b => b.Length));
    }

    [Fact]
    public void Epoch_UnequalLengths_AreBatchedWithLittlePadding()
    {
        var random = new Random(1);
        var log = TinyLogs.Build(3, [.. Enumerable.Range(0, 1000).Select(_ => Enumerable.Repeat(2, random.Next(1, 100)).ToArray())], []);
        var set = new TrainingSet(log, [.. Enumerable.Range(0, 1000).Select(u => log.ItemsOf(u).Length)], 200);
        var batches = set.Epoch(1, 1, 32);
        var padded = batches.Sum(b => b.Length * b.Max(w => w.Length));
        Assert.InRange((double)padded / log.EventCount, 1, 1.15);
    }

    [Fact]
    public void Epoch_StepsOfSeveralBatches_AreOfUsersAtRandom_ButBatchesOfOneLength()
    {
        var log = TinyLogs.Build(3, [.. Enumerable.Range(1, 1024).Select(u => Enumerable.Repeat(2, 1 + (u % 100)).ToArray())], []);
        var set = new TrainingSet(log, [.. Enumerable.Range(0, 1024).Select(u => log.ItemsOf(u).Length)], 200);
        var steps = set.Epoch(1, 1, 32, accumulate: 4).Chunk(4).ToArray();
        Assert.Equal(8, steps.Length);
        Assert.All(steps, step =>
        {
            var lengths = step.Select(batch => batch.Select(w => w.Length).ToArray()).ToArray();
            Assert.InRange(lengths.SelectMany(l => l).Average(), 40, 60); // of the log: 50
            Assert.All(lengths, l => Assert.InRange(l.Max() - l.Min(), 1, 40));
        });
    }

    private static long[] Targets(TrainingSet set)
    {
        using var targets = set.Batch(Assert.Single(set.Epoch(1, 1, 8))).Targets();
        return targets.data<long>().ToArray();
    }

    private static int[] Order(TrainingSet set, int seed, int epoch) => [.. set.Epoch(seed, epoch, 16).SelectMany(b => b).Select(w => set.Read(w).Items.Span[0])];
}
