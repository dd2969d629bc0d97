using System.Collections;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// The questions of a period, in order of users. Each is made when it is read: in memory is a number a user, however many events are asked for. Events
/// without an earlier one of the same user are nobody's target: there is no history.
/// </summary>
internal sealed class HeldOutQuestions : IReadOnlyList<HeldOut>
{
    private readonly WatchLog _log;
    private readonly Func<int, (int From, int To)> _periodOf;
    private readonly TargetRule _rule;

    /// <summary>User u's questions are <c>starts[u] … starts[u + 1]</c>; length users + 1.</summary>
    private readonly long[] _starts;

    /// <param name="log">The log.</param>
    /// <param name="periodOf">The first event of a user's period, and the first after it.</param>
    /// <param name="rule">Which events of the period are asked for.</param>
    public HeldOutQuestions(WatchLog log, Func<int, (int From, int To)> periodOf, TargetRule rule)
    {
        (_log, _periodOf, _rule) = (log, periodOf, rule);
        _starts = new long[log.UserCount + 1];
        for (var user = 0; user < log.UserCount; user++)
            _starts[user + 1] = _starts[user] + CountOf(user);
    }

    /// <inheritdoc/>
    public int Count => checked((int)_starts[^1]);

    /// <inheritdoc/>
    public HeldOut this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            var user = TimeSplit.CountBefore(_starts, index + 1L) - 1;
            return Of(user, (int)(index - _starts[user]));
        }
    }

    /// <inheritdoc/>
    public IEnumerator<HeldOut> GetEnumerator()
    {
        for (var user = 0; user < _log.UserCount; user++)
        {
            for (var question = 0; question < _starts[user + 1] - _starts[user]; question++)
                yield return Of(user, question);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int CountOf(int user)
    {
        var (from, to) = PeriodOf(user);
        return from >= to ? 0
            : _rule == TargetRule.Every ? to - from
            : _rule == TargetRule.Together && NewItems(user, from, to).Length == 0 ? 0
            : 1;
    }

    private HeldOut Of(int user, int question)
    {
        var (from, to) = PeriodOf(user);
        if (_rule == TargetRule.Together)
            return new HeldOut(user, from, NewItems(user, from, to));
        var position = _rule == TargetRule.Last ? to - 1 : from + question;
        return new HeldOut(user, position, _log.ItemsOf(user).Slice(position, 1));
    }

    private (int From, int To) PeriodOf(int user)
    {
        var (from, to) = _periodOf(user);
        return (Math.Max(1, from), to);
    }

    private int[] NewItems(int user, int from, int to)
    {
        var items = _log.ItemsOf(user).ToArray();
        return [.. items[from..to].Distinct().Except(items[..from])];
    }
}
