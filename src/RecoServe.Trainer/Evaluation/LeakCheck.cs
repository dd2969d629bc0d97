using System.Globalization;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// Proves of a split, whatever made it, that nothing which is asked for could have been learned. It reads the events again
/// and trusts no count: every question's history, every training event.
/// </summary>
/// <remarks>
/// <list type="number">
/// <item>A question's history, as a scorer is given it, has no watch later than the question's event (by the log's times, if it has them; test data
/// given apart come last whatever their times), and its answers are of that event or later ones.</item>
/// <item>No training event of a user is at or after a target of the same user, and no row of feedback that is learned led to
/// a target and to no training event.</item>
/// <item>In a split by time: no training event of anybody is at or after the start of the part's period, and no target before it.</item>
/// </list>
/// </remarks>
internal static class LeakCheck
{
    /// <summary>The first leak, in words; null if there is none.</summary>
    public static string? Find(EvaluationSplit split, SplitPart part) =>
        split.HeldOutOf(part).Select(asked => FindIn(split, part, asked)).FirstOrDefault(leak => leak is not null)
        ?? (split.Log.Feedback is null ? null : FindLearned(split, part, split.Log.FeedbackOf))
        ?? FindLateTraining(split, part);

    /// <summary>
    /// Training events later than the part's first target, for splits that promise nothing across users: how much of the
    /// future the training has seen. 0 without times.
    /// </summary>
    public static long CountAfterFirstTarget(EvaluationSplit split, SplitPart part)
    {
        var log = split.Log;
        if (!log.HasTimes || split.HeldOutOf(part).Count == 0)
            return 0;
        var first = split.HeldOutOf(part).Min(asked => log.TimesOf(asked.User).Span[asked.Position]);
        return Enumerable.Range(0, log.UserCount).Sum(u => (long)TrainingTimes(split, u).Length - TimeSplit.CountBefore(TrainingTimes(split, u), first));
    }

    private static string? FindIn(EvaluationSplit split, SplitPart part, HeldOut asked)
    {
        var (log, user) = (split.Log, split.Log.UserId(asked.User));
        var events = log.ItemsOf(asked.User).Span;
        if (log.HasTimes && asked.Position < events.Length - log.TestEventsOf(asked.User))
        {
            var time = log.TimesOf(asked.User).Span[asked.Position];
            foreach (var watched in split.QuestionOf(asked).Times.Span)
            {
                if (watched > time)
                    return $"user \"{user}\": the history of the question at event {asked.Position + 1} of {TimeSplit.Date(time)} has a watch of {TimeSplit.Date(watched)}";
            }
        }

        foreach (var item in asked.Items.Span)
        {
            if (!events[asked.Position..].Contains(item))
                return $"user \"{user}\": target \"{log.Catalogue.IdOf(item)}\" is no event from {asked.Position + 1} on";
        }

        if (split.TrainingLengthOf(asked.User) > asked.Position)
            return $"user \"{user}\": the first {split.TrainingLengthOf(asked.User)} events are for training, and event {asked.Position + 1} among them is a target of the {NameOf(part)}";
        return PeriodOf(split, part) is { } start && log.TimesOf(asked.User).Span[asked.Position] < start
            ? $"user \"{user}\": event {asked.Position + 1} is a target of the {NameOf(part)}, and earlier than its period, which begins {TimeSplit.Date(start)}"
            : null;
    }

    /// <summary>A row of feedback that is learned, has a reward, and shows what is asked for and not watched in training from there on.</summary>
    /// <param name="split">The split.</param>
    /// <param name="part">Whose targets.</param>
    /// <param name="feedbackOf">The rows that are learned, of a user and a number of training events.</param>
    internal static string? FindLearned(EvaluationSplit split, SplitPart part, Func<int, int, FeedbackRows?> feedbackOf)
    {
        var questions = split.HeldOutOf(part);
        for (var q = 0; q < questions.Count;)
        {
            var user = questions[q].User;
            HashSet<int> targets = [];
            for (; q < questions.Count && questions[q].User == user; q++)
                targets.UnionWith(questions[q].Items.ToArray());
            var training = split.TrainingItemsOf(user).Span;
            for (var (r, rows) = (0, feedbackOf(user, training.Length)); r < rows?.Count; r++)
            {
                var (step, item) = (rows.Steps.Span[r], rows.Items.Span[r]);
                if (rows.Rewards.Span[r] > 0 && targets.Contains(item) && !training[step..].Contains(item))
                    return $"user \"{split.Log.UserId(user)}\": a display of \"{split.Log.Catalogue.IdOf(item)}\" after {step} events is learned, and led to a target of the {NameOf(part)}";
            }
        }

        return null;
    }

    private static string? FindLateTraining(EvaluationSplit split, SplitPart part)
    {
        if (PeriodOf(split, part) is not { } start)
            return null;
        for (var user = 0; user < split.Log.UserCount; user++)
        {
            var times = TrainingTimes(split, user);
            for (var e = 0; e < times.Length; e++)
            {
                if (times[e] >= start)
                    return string.Create(CultureInfo.InvariantCulture, $"user \"{split.Log.UserId(user)}\": event {e + 1} of {TimeSplit.Date(times[e])} is for training, and the {NameOf(part)} begins {TimeSplit.Date(start)}");
            }
        }

        return null;
    }

    private static ReadOnlySpan<long> TrainingTimes(EvaluationSplit split, int user) => split.Log.TimesOf(user).Span[..split.TrainingLengthOf(user)];

    private static long? PeriodOf(EvaluationSplit split, SplitPart part) => part == SplitPart.Test ? split.TestFrom : split.ValidateFrom;

    private static string NameOf(SplitPart part) => part.ToString().ToLowerInvariant();
}
