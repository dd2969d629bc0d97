using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// The split that comes with the data: the test data's events are asked for, one question a user with all of them; of the
/// other events each user's last is the validation target, and the rest is for training.
/// </summary>
/// <param name="log">A log with test data.</param>
internal sealed class GivenSplit(WatchLog log) : EvaluationSplit(
    log,
    "test data given",
    [.. Enumerable.Range(0, log.UserCount).Select(u => Math.Max(Math.Min(1, KnownOf(log, u)), KnownOf(log, u) - 1))],
    new HeldOutQuestions(log, u => (KnownOf(log, u) - 1, KnownOf(log, u)), TargetRule.Last),
    new HeldOutQuestions(log, u => (KnownOf(log, u), log.ItemsOf(u).Length), TargetRule.Together))
{
    private static int KnownOf(WatchLog log, int user) => log.ItemsOf(user).Length - log.TestEventsOf(user);
}
