using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>Makes a period's questions. Events without an earlier one of the same user are nobody's target: there is no history.</summary>
internal static class HeldOutPeriod
{
    /// <summary>The questions of a user's events <paramref name="from"/> … <paramref name="to"/> − 1.</summary>
    public static IEnumerable<HeldOut> Questions(WatchLog log, int user, int from, int to, TargetRule rule)
    {
        from = Math.Max(1, from);
        if (from >= to)
            return [];
        var items = log.ItemsOf(user);
        HeldOut At(int position) => new(user, position, items.Slice(position, 1));
        return rule switch
        {
            TargetRule.Every => Enumerable.Range(from, to - from).Select(At),
            TargetRule.First => [At(from)],
            TargetRule.Last => [At(to - 1)],
            _ => Together(log, user, from, to),
        };
    }

    private static HeldOut[] Together(WatchLog log, int user, int from, int to)
    {
        var items = log.ItemsOf(user).ToArray();
        var relevant = items[from..to].Distinct().Except(items[..from]).ToArray();
        return relevant.Length == 0 ? [] : [new HeldOut(user, from, relevant)];
    }
}
