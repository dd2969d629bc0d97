using System.Buffers;
using System.Collections.Concurrent;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

public sealed class BatchSamplerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(16)]
    public void Sample_AnyPlaceInAnyBatch_GivesTheSlateOfTheRowAlone(int threads)
    {
        using var mask = ItemMask.Rent(300);
        mask.Exclude([1, 2, 150]);
        var rows = Enumerable.Range(0, 24).Select(i => Row(i, i % 3 == 0 ? 300 : 3_000 + (500 * i), i % 6 == 0 ? mask : null)).ToArray();
        var expected = rows.Select(row =>
        {
            var slots = new SlateSlot[row.Slots.Length];
            return (new RowOutcome(NucleusSampler.Sample(row.Logits.Span, row.Mask, row.Parameters, slots), null), slots);
        }).ToArray();
        for (var shift = 0; shift < rows.Length; shift += 5)
        {
            foreach (var row in rows)
                row.Slots.Span.Clear();
            var outcomes = new RowOutcome[rows.Length + 1];
            BatchSampler.Sample(rows.AsMemory(shift), outcomes, threads);
            BatchSampler.Sample(rows.AsMemory(0, shift), outcomes.AsMemory(rows.Length - shift), threads);
            for (var i = 0; i < rows.Length; i++)
            {
                Assert.Equal(expected[i].Item1, outcomes[(i + rows.Length - shift) % rows.Length]);
                Assert.Equal(expected[i].slots, rows[i].Slots.ToArray());
            }

            Assert.Equal(default, outcomes[^1]);
        }
    }

    [Fact]
    public void Sample_BadRows_TakeNothingFromTheOthers()
    {
        using var mask = ItemMask.Rent(5);
        var rows = Enumerable.Range(0, 20).Select(i => Row(i, i % 2 == 0 ? 200 : 4_000)).ToArray();
        var good = new RowOutcome[20];
        BatchSampler.Sample(rows, good, 1);
        foreach (var (at, item, bad) in new[] { (0, 7, float.NaN), (5, 3_999, float.PositiveInfinity), (19, 1, float.NaN) })
        {
            var logits = rows[at].Logits.ToArray();
            logits[item] = bad;
            rows[at] = rows[at] with { Logits = logits };
        }

        rows[8] = rows[8] with { Mask = mask };
        foreach (var threads in new[] { 1, 2 })
        {
            var outcomes = new RowOutcome[20];
            BatchSampler.Sample(rows, outcomes, threads);
            Assert.Equal(7, Assert.IsType<InvalidLogitsException>(outcomes[0].Error).Item);
            Assert.Equal(3_999, Assert.IsType<InvalidLogitsException>(outcomes[5].Error).Item);
            Assert.Equal(1, Assert.IsType<InvalidLogitsException>(outcomes[19].Error).Item);
            Assert.Contains("the mask is over 5 items", Assert.IsType<ArgumentException>(outcomes[8].Error).Message, StringComparison.Ordinal);
            foreach (var i in new[] { 0, 5, 8, 19 })
                Assert.Equal(default, outcomes[i].Summary);
            Assert.Equal(good.Where((_, i) => i is not (0 or 5 or 8 or 19)), outcomes.Where((_, i) => i is not (0 or 5 or 8 or 19)));
        }
    }

    [Fact]
    public void Sample_OneSlowRow_HoldsUpNoOther()
    {
        // The first row waits until another thread has begun all others: none of them is that thread's beforehand.
        using var others = new CountdownEvent(9);
        var inTime = false;
        var rows = Enumerable.Range(0, 10).Select(i => Row(i, 50)).ToArray();
        rows[0] = rows[0] with { Logits = new WatchedMemory(rows[0].Logits, () => inTime = others.Wait(Patience, TestContext.Current.CancellationToken)).Memory };
        for (var i = 1; i < rows.Length; i++)
            rows[i] = rows[i] with { Logits = new WatchedMemory(rows[i].Logits, () => others.Signal()).Memory };
        var outcomes = new RowOutcome[10];
        BatchSampler.Sample(rows, outcomes, 2);
        Assert.True(inTime);
        Assert.All(outcomes, o => Assert.Equal(5, o.Summary.Count));
    }

    [Fact]
    public void Sample_OneThread_IsTheCallers()
    {
        var threads = new ConcurrentDictionary<int, bool>();
        var rows = Enumerable.Range(0, 30).Select(i => Row(i, 20_000))
            .Select(row => row with { Logits = new WatchedMemory(row.Logits, () => threads.TryAdd(Environment.CurrentManagedThreadId, true)).Memory }).ToArray();
        threads.Clear();
        for (var repeat = 0; repeat < 10; repeat++)
            BatchSampler.Sample(rows, new RowOutcome[30], 1);
        Assert.Equal([Environment.CurrentManagedThreadId], threads.Keys);
    }

    [Fact]
    public void RowBatch_RowOfAnotherThread_IsWaitedFor()
    {
        using var begun = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        BatchRow[] rows = [Row(0, 50), Row(1, 50)];
        rows[0] = rows[0] with
        {
            Logits = new WatchedMemory(rows[0].Logits, () =>
            {
                begun.Set();
                goOn.Wait(Patience, TestContext.Current.CancellationToken);
            }).Memory,
        };
        var outcomes = new RowOutcome[2];
        var batch = new RowBatch(rows, outcomes);
        var helper = new Thread(batch.Execute);
        helper.Start();
        Assert.True(begun.Wait(Patience, TestContext.Current.CancellationToken));
        batch.Execute();
        Assert.Equal(5, outcomes[1].Summary.Count);
        Assert.False(batch.IsDone);
        goOn.Set();
        batch.WaitForAll();
        Assert.Equal(5, outcomes[0].Summary.Count);
        helper.Join();
    }

    [Fact]
    public void RowBatch_ThreadThatComesLate_TouchesNothing()
    {
        BatchRow[] rows = [Row(0, 50), Row(1, 50)];
        var outcomes = new RowOutcome[2];
        var batch = new RowBatch(rows, outcomes);
        batch.Execute();
        batch.WaitForAll(); // nobody else came
        Array.Clear(outcomes);
        batch.Execute();
        Assert.Equal([default, default], outcomes);
    }

    [Fact]
    public void Sample_NoRows_ReturnsAtOnce() => BatchSampler.Sample(default, default, 2);

    [Fact]
    public void Sample_InvalidArguments_Throw()
    {
        var rows = new[] { Row(0, 50), Row(1, 50) };
        var error = Assert.Throws<ArgumentException>(() => BatchSampler.Sample(rows, new RowOutcome[1], 1));
        Assert.Contains("1 outcomes cannot hold those of 2 rows", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => BatchSampler.Sample(rows, new RowOutcome[2], 0));
    }

    [Fact]
    public void Sample_SteadyState_AllocatesLittleAndNothingPerRow()
    {
        var rows = Enumerable.Range(0, 40).Select(i => Row(i, 2_500)).ToArray();
        var outcomes = new RowOutcome[40];

        // A collection may empty the array pool between two calls: the best of some rounds shows what the calls themselves need.
        long Least(int count)
        {
            var least = long.MaxValue;
            for (var round = 0; round < 20; round++)
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                BatchSampler.Sample(rows.AsMemory(0, count), outcomes, 1);
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            return least;
        }

        Assert.InRange(Least(40), 1, 200);
        Assert.Equal(Least(1), Least(40));
    }

    private static BatchRow Row(int seed, int items, ItemMask? mask = null) =>
        new(Rows.Make(Rows.Kinds[seed % 6], items, seed), mask, new SamplingParameters { Seed = (ulong)seed, TopP = 0.8 }, new SlateSlot[5]);

    /// <summary>Logits that tell when they are asked for.</summary>
    private sealed class WatchedMemory(ReadOnlyMemory<float> logits, Action onRead) : MemoryManager<float>
    {
        private readonly float[] _logits = logits.ToArray();

        public override Memory<float> Memory => CreateMemory(_logits.Length);

        public override Span<float> GetSpan()
        {
            onRead();
            return _logits;
        }

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin() => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
        }
    }
}
