using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// What of a log is for training, and what is asked in validation and in the test. A user's training events are the first
/// ones; how many is the only thing that splits differ in, beside the questions.
/// </summary>
internal class EvaluationSplit
{
    private readonly int[] _trainingLengths;
    private readonly IReadOnlyList<HeldOut> _validation;
    private readonly IReadOnlyList<HeldOut> _test;

    /// <param name="log">The log to split; nothing is copied.</param>
    /// <param name="name">What reports call the split.</param>
    /// <param name="trainingLengths">How many of each user's events, from the oldest, are for training.</param>
    /// <param name="validation">The questions of the validation, in order of users.</param>
    /// <param name="test">The questions of the test, in order of users.</param>
    public EvaluationSplit(WatchLog log, string name, int[] trainingLengths, IReadOnlyList<HeldOut> validation, IReadOnlyList<HeldOut> test)
    {
        (Log, Name, _trainingLengths, _validation, _test) = (log, name, trainingLengths, validation, test);
    }

    /// <summary>The log that is split.</summary>
    public WatchLog Log { get; }

    /// <summary>What reports call the split, for example <c>leave-one-out</c>.</summary>
    public string Name { get; }

    /// <summary>When the validation period begins, milliseconds since 1970: no training event may be later. Null: nothing is promised across users.</summary>
    public long? ValidateFrom { get; init; }

    /// <summary>When the test period begins, milliseconds since 1970; null as above.</summary>
    public long? TestFrom { get; init; }

    /// <summary>The questions of a part, in order of users.</summary>
    public IReadOnlyList<HeldOut> HeldOutOf(SplitPart part) => part == SplitPart.Test ? _test : _validation;

    /// <summary>Refuses a log on which nothing can be evaluated.</summary>
    /// <exception cref="DataException">A part has no question, or there is nothing to learn from.</exception>
    public virtual void RequireTargets()
    {
        foreach (var part in new[] { SplitPart.Validation, SplitPart.Test })
        {
            if (HeldOutOf(part).Count == 0)
                throw new DataException($"{Name}: no event is a target of the {part.ToString().ToLowerInvariant()}; a target needs an earlier event of the same user");
        }

        if (!_trainingLengths.AsSpan().ContainsAnyExcept(0))
            throw new DataException($"{Name}: no event is left for training");
    }

    /// <summary>The same questions with a scorer that has seen more.</summary>
    /// <param name="name">What reports call it.</param>
    /// <param name="lengths">How many of each user's events are known to the scorer.</param>
    public EvaluationSplit TrainedOn(string name, int[] lengths) =>
        new(Log, $"{Name}, {name}", lengths, _validation, _test) { ValidateFrom = ValidateFrom, TestFrom = TestFrom };

    /// <summary>How many of each user's events are known before the test: the training events and those of the validation.</summary>
    public int[] LengthsBeforeTest()
    {
        var lengths = Enumerable.Range(0, Log.UserCount).Select(u => TestFrom is { } start
            ? TimeSplit.CountBefore(Log.TimesOf(u).Span, start)
            : Log.ItemsOf(u).Length - Log.TestEventsOf(u)).ToArray();
        foreach (var asked in _test)
            lengths[asked.User] = Math.Min(lengths[asked.User], asked.Position);
        return lengths;
    }

    /// <summary>How many of a user's events, from the oldest, are for training.</summary>
    public int TrainingLengthOf(int user) => _trainingLengths[user];

    /// <summary>The user's items for training, oldest first.</summary>
    public ReadOnlyMemory<int> TrainingItemsOf(int user) => Log.ItemsOf(user)[..TrainingLengthOf(user)];

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

    /// <summary>What a scorer is asked.</summary>
    public Question QuestionOf(HeldOut asked)
    {
        var context = Log.ContextFields.Count == 0 ? [] : new ushort[Log.ContextFields.Count];
        for (var field = 0; field < context.Length; field++)
            context[field] = Log.ContextOf(asked.User, field).Span[asked.Position];
        return new Question(
            asked.User, Log.ItemsOf(asked.User)[..asked.Position], context, Log.HasTimes ? Log.TimesOf(asked.User)[..asked.Position] : default,
            Log.HistoryContextOf(asked.User, asked.Position));
    }
}
