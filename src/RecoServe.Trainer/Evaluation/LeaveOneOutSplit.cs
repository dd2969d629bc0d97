using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// The leave-one-out split that the published SASRec and BERT4Rec tables use: of every user with at least three events the
/// last is the test target, the second last the validation target, and the rest is for training. At test time the
/// validation item belongs to the history. Users with fewer events are wholly for training.
/// </summary>
/// <param name="log">The log to split; nothing is copied.</param>
internal sealed class LeaveOneOutSplit(WatchLog log)
{
    private const int MinEvents = 3;

    /// <summary>The log that is split.</summary>
    public WatchLog Log { get; } = log;

    /// <summary>Users with targets, ascending.</summary>
    public IReadOnlyList<int> EvaluatedUsers { get; } =
        [.. Enumerable.Range(0, log.UserCount).Where(user => log.ItemsOf(user).Length >= MinEvents)];

    /// <summary>Refuses a log on which nothing can be evaluated.</summary>
    /// <exception cref="DataException">No user has enough events.</exception>
    public void RequireTargets()
    {
        if (EvaluatedUsers.Count == 0)
            throw new DataException($"no user of the log has {MinEvents} events or more; at least one is needed, for a validation and a test target");
    }

    /// <summary>How many of a user's events, from the oldest, are for training.</summary>
    public int TrainingLengthOf(int user)
    {
        var events = Log.ItemsOf(user).Length;
        return events >= MinEvents ? events - 2 : events;
    }

    /// <summary>The user's items for training, oldest first.</summary>
    public ReadOnlyMemory<int> TrainingItemsOf(int user) => Log.ItemsOf(user)[..TrainingLengthOf(user)];

    /// <summary>The codes of one context column for the user's training events, oldest first.</summary>
    public ReadOnlyMemory<ushort> TrainingContextOf(int user, int field) => Log.ContextOf(user, field)[..TrainingLengthOf(user)];

    /// <summary>How often each item stands in the training events; [N + 1], entry 0 is 0.</summary>
    public int[] CountTrainingItems()
    {
        var counts = new int[Log.Catalogue.Count + 1];
        for (var user = 0; user < Log.UserCount; user++)
        {
            foreach (var item in TrainingItemsOf(user).Span)
                counts[item]++;
        }

        return counts;
    }

    /// <summary>The item that the question of this part asks for.</summary>
    /// <param name="part">Validation or test.</param>
    /// <param name="user">One of <see cref="EvaluatedUsers"/>.</param>
    public int TargetOf(SplitPart part, int user) => Log.ItemsOf(user).Span[TargetPosition(part, user)];

    /// <summary>The question of this part: everything before the target is its history, its context is the target event's.</summary>
    /// <param name="part">Validation or test.</param>
    /// <param name="user">One of <see cref="EvaluatedUsers"/>.</param>
    public Question QuestionOf(SplitPart part, int user)
    {
        var target = TargetPosition(part, user);
        var context = Log.ContextFields.Count == 0 ? [] : new ushort[Log.ContextFields.Count];
        for (var field = 0; field < context.Length; field++)
            context[field] = Log.ContextOf(user, field).Span[target];
        return new Question(user, Log.ItemsOf(user)[..target], context);
    }

    /// <summary><see cref="QuestionOf"/> for validation.</summary>
    public Question ValidationQuestion(int user) => QuestionOf(SplitPart.Validation, user);

    /// <summary><see cref="QuestionOf"/> for test.</summary>
    public Question TestQuestion(int user) => QuestionOf(SplitPart.Test, user);

    private int TargetPosition(SplitPart part, int user)
    {
        var events = Log.ItemsOf(user).Length;
        if (events < MinEvents)
            throw new ArgumentOutOfRangeException(nameof(user), user, $"the user has {events} events; a target needs {MinEvents}");
        return part == SplitPart.Test ? events - 1 : events - 2;
    }
}
