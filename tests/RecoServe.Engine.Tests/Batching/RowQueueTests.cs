using CsCheck;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Tests.Batching;

public sealed class RowQueueTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    [Fact]
    public void Everything_AnyOperations_IsAsInAListThatIsSortedAnew() =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 2], Gen.Int[0, 60], Gen.Int[0, 40]).List[1, 120].Sample(operations =>
        {
            var queue = new RowQueue<EncoderInput, BatchOutput>(50, 1 << 20, Patience);
            var model = new List<BatchRow<EncoderInput, BatchOutput>>();
            var now = TimeSpan.Zero;
            foreach (var (operation, priority, length, time) in operations)
            {
                switch (operation)
                {
                    case 0 or 1 or 2:
                        var deadline = time % 4 == 0 ? TimeSpan.MaxValue : now + TimeSpan.FromMilliseconds(time * 50);
                        var row = Row((RequestPriority)priority, length, now, deadline);
                        var displaced = new List<BatchRow<EncoderInput, BatchOutput>>();
                        if (!queue.HasRoomFor(row, displaced))
                        {
                            Assert.Equal(50, model.Count);
                            Assert.DoesNotContain(model, r => r.Level > row.Level);
                            break;
                        }

                        Assert.Equal(model.Count == 50 ? Order(model).TakeLast(1) : [], displaced);
                        Assert.All(displaced, r => Assert.True(r.Level > row.Level));
                        displaced.ForEach(r => Assert.True(queue.Remove(r)));
                        model.RemoveAll(displaced.Contains);

                        Assert.Equal(Order(model.Append(row)).IndexOf(row), queue.CountBefore(row));
                        queue.Add(row);
                        model.Add(row);
                        break;
                    case 3:
                        var any = model.Count > 0 ? model[time % model.Count] : null;
                        Assert.Equal(any is not null, any is not null && queue.Remove(any));
                        model.RemoveAll(r => r == any);
                        Assert.False(any is not null && queue.Remove(any));
                        break;
                    case 4:
                        now += TimeSpan.FromMilliseconds(time * 10);
                        var expired = new List<BatchRow<EncoderInput, BatchOutput>>();
                        var next = queue.Expire(now, expired);
                        Assert.Equal(model.Where(r => r.Deadline <= now).ToHashSet(), expired.ToHashSet());
                        model.RemoveAll(expired.Contains);
                        Assert.Equal(model.Select(r => r.Deadline).Append(TimeSpan.MaxValue).Min(), next);
                        break;
                    default:
                        now += TimeSpan.FromMilliseconds(time * 10);
                        queue.Age(now);
                        break;
                }

                Assert.Equal(Order(model), Enumerable.Range(0, queue.Count).Select(i => queue[i]));
                Assert.Equal(model.Sum(r => r.Bytes), queue.Bytes);
                Assert.Equal(model.Count == 0 ? 0 : model.Average(r => r.Input.Length), queue.MeanLength, 1e-9);
                Assert.All(model, r => Assert.True(r.Level <= (int)r.Priority));
            }
        });

    [Fact]
    public void HasRoomFor_ManyBytes_DisplacesNoMoreThanMust()
    {
        var queue = new RowQueue<EncoderInput, BatchOutput>(10, 10_000, Patience);
        var low = Enumerable.Range(0, 4).Select(i => Row(RequestPriority.Low, 500, TimeSpan.Zero, TimeSpan.FromSeconds(i + 1))).ToArray();
        Assert.All(low, row => Assert.True(HasRoom(queue, row)));
        Array.ForEach(low, queue.Add);
        var displaced = new List<BatchRow<EncoderInput, BatchOutput>>();
        Assert.False(queue.HasRoomFor(Row(RequestPriority.Low, 500, TimeSpan.Zero, TimeSpan.MaxValue), displaced));
        Assert.Empty(displaced);
        Assert.True(queue.HasRoomFor(Row(RequestPriority.High, 500, TimeSpan.Zero, TimeSpan.MaxValue), displaced));
        Assert.Equal([low[3]], displaced);
        Array.ForEach(low, row => Assert.True(queue.Remove(row)));
        var huge = Row(RequestPriority.Low, 5000, TimeSpan.Zero, TimeSpan.MaxValue);
        Assert.True(HasRoom(queue, huge)); // alone
        queue.Add(huge);
        Assert.False(HasRoom(queue, Row(RequestPriority.Low, 1, TimeSpan.Zero, TimeSpan.MaxValue)));
    }

    [Fact]
    public void Age_WaitsForAPatienceALevel_RisesToTheTop()
    {
        var queue = new RowQueue<EncoderInput, BatchOutput>(10, 1 << 20, Patience);
        var row = Row(RequestPriority.Low, 3, TimeSpan.Zero, TimeSpan.MaxValue);
        queue.Add(row);
        List<int> levels = [];
        for (var quarter = 0; quarter <= 9; quarter++)
        {
            queue.Age(Patience * quarter / 4);
            levels.Add(row.Level);
        }

        Assert.Equal([2, 2, 2, 2, 1, 1, 1, 1, 0, 0], levels);
    }

    private static bool HasRoom(RowQueue<EncoderInput, BatchOutput> queue, BatchRow<EncoderInput, BatchOutput> row) => queue.HasRoomFor(row, []);

    private static List<BatchRow<EncoderInput, BatchOutput>> Order(IEnumerable<BatchRow<EncoderInput, BatchOutput>> rows) => [.. rows.OrderBy(r => r.Level).ThenBy(r => r.Due).ThenBy(r => r.Sequence)];

    private static BatchRow<EncoderInput, BatchOutput> Row(RequestPriority priority, int length, TimeSpan enqueued, TimeSpan deadline) =>
        new(new RowRequest<EncoderInput>(new EncoderInput(new int[length], default), true, DateTimeOffset.MaxValue, priority), enqueued, deadline, Patience);
}
