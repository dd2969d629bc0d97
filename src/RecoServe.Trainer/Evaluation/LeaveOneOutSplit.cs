using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// The leave-one-out split that the published SASRec and BERT4Rec tables use: of every user with at least three events the
/// last is the test target, the second last the validation target, and the rest is for training. At test time the
/// validation item belongs to the history. Users with fewer events are wholly for training.
/// </summary>
/// <remarks>
/// It promises nothing across users: one user's training events may be later than another's target. What is popular only
/// after a target helps to predict it; a split by time (<see cref="TimeSplit"/>) is free of that.
/// </remarks>
/// <param name="log">The log to split; nothing is copied.</param>
internal sealed class LeaveOneOutSplit(WatchLog log) : EvaluationSplit(
    log, "leave-one-out", [.. Enumerable.Range(0, log.UserCount).Select(u => LengthOf(log, u))], Targets(log, fromEnd: 2), Targets(log, fromEnd: 1))
{
    private const int MinEvents = 3;

    /// <inheritdoc/>
    public override void RequireTargets()
    {
        if (HeldOutOf(SplitPart.Test).Count == 0)
            throw new DataException($"no user of the log has {MinEvents} events or more; at least one is needed, for a validation and a test target");
    }

    private static int LengthOf(WatchLog log, int user) => log.ItemsOf(user).Length is >= MinEvents and var events ? events - 2 : log.ItemsOf(user).Length;

    private static HeldOutQuestions Targets(WatchLog log, int fromEnd) =>
        new(log, user => log.ItemsOf(user).Length is >= MinEvents and var events ? (events - fromEnd, events - fromEnd + 1) : (0, 0), TargetRule.Every);
}
