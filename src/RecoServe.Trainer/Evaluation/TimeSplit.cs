using System.Globalization;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// One split in time for all users: training before <c>ValidateFrom</c>, validation from there to <c>TestFrom</c>, test after.
/// Nothing that is learned lies after anything that is asked for, as it will be in service.
/// </summary>
internal sealed class TimeSplit : EvaluationSplit
{
    private TimeSplit(WatchLog log, string name, int[] lengths, HeldOutQuestions validation, HeldOutQuestions test)
        : base(log, name, lengths, validation, test)
    {
    }

    /// <summary>Splits a log.</summary>
    /// <param name="log">A log with times.</param>
    /// <param name="validateFrom">Where the validation begins; null: at the last tenth of the events before the test.</param>
    /// <param name="testFrom">Where the test begins; null: at the last tenth of all events.</param>
    /// <param name="rule">Which events of a period are asked for.</param>
    /// <exception cref="DataException">The log has no times, or a period begins before the one that must precede it.</exception>
    public static TimeSplit Of(WatchLog log, SplitPoint? validateFrom, SplitPoint? testFrom, TargetRule rule)
    {
        if (!log.HasTimes)
            throw new DataException("--split time: text has no times; use a log with a column timestamp");
        var (validate, test) = Bounds(log, validateFrom, testFrom);
        int[] From(long time) => [.. Enumerable.Range(0, log.UserCount).Select(u => CountBefore(log.TimesOf(u).Span, time))];
        var (validation, tested) = (From(validate), From(test));
        return new TimeSplit(
            log,
            $"split by time (validation from {Date(validate)}, test from {Date(test)}, {NameOf(rule)})",
            validation,
            new HeldOutQuestions(log, u => (validation[u], tested[u]), rule),
            new HeldOutQuestions(log, u => (tested[u], log.ItemsOf(u).Length), rule))
        {
            ValidateFrom = validate,
            TestFrom = test,
        };
    }

    private static (long ValidateFrom, long TestFrom) Bounds(WatchLog log, SplitPoint? validateFrom, SplitPoint? testFrom)
    {
        ReadOnlyMemory<long>[] times = [.. Enumerable.Range(0, log.UserCount).Select(log.TimesOf).Where(t => !t.IsEmpty)];
        var test = (testFrom ?? SplitPoint.AtFraction(0.9)).In(log.EventCount, TimeOf);
        var before = CountOf(test);
        if (before == 0)
            throw new DataException($"--test-from {Date(test)}: no event is earlier; the first is of {Date(TimeOf(0))}");
        var validate = validateFrom is { } given ? given.In(log.EventCount, TimeOf) : SplitPoint.AtFraction(0.9).In(before, TimeOf);
        if (validate >= test)
            throw new DataException($"--validate-from {Date(validate)} must be before --test-from {Date(test)}");
        return (validate, test);

        long CountOf(long time) => times.Sum(t => (long)CountBefore(t.Span, time));

        // By bisection, so that the times need not be in memory together.
        long TimeOf(long rank)
        {
            var (low, high) = (times.Min(t => t.Span[0]), times.Max(t => t.Span[^1]));
            while (low < high)
            {
                var middle = (low + high) >> 1;
                if (CountOf(middle + 1) > rank)
                    high = middle;
                else
                    low = middle + 1;
            }

            return low;
        }
    }

    /// <summary>How many of ascending times are before a time.</summary>
    internal static int CountBefore(ReadOnlySpan<long> times, long time)
    {
        var (low, high) = (0, times.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (times[middle] < time)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    internal static string Date(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) is var time && time.TimeOfDay == TimeSpan.Zero
            ? time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
            : time.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    private static string NameOf(TargetRule rule) => rule switch
    {
        TargetRule.Every => "every event asked for",
        TargetRule.First => "each user's first event asked for",
        TargetRule.Last => "each user's last event asked for",
        _ => "each user's new items asked for together",
    };
}
