using System.Numerics.Tensors;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation.OffPolicy;

/// <summary>
/// The displays of a held-out period as rounds for a policy: the softmax of a scorer's scores over all items that the user has not watched
/// before, asked with the watches before the display and its context.
/// </summary>
/// <remarks>The period is of the displays' own times: taken by the watches around them, displays that led to nothing would be too many or too few.</remarks>
internal sealed class HeldOutDisplays
{
    private readonly EvaluationSplit _split;
    private readonly (long From, long To) _period;
    private readonly int _slots;

    /// <param name="split">A split by time of a log with displays, their times and propensities.</param>
    /// <param name="part">Which period.</param>
    /// <param name="slots">Only displays of the first so many slots; 0 for all.</param>
    /// <exception cref="DataException">The split has no periods, or the log lacks propensities or slots.</exception>
    public HeldOutDisplays(EvaluationSplit split, SplitPart part, int slots)
    {
        if (split is not { ValidateFrom: { } validate, TestFrom: { } test })
            throw new DataException("off-policy estimates need --split time: what other splits hold out depends on what was watched");
        if (slots > 0 && split.Log.Feedback is not { SlotCount: > 0 })
            throw new DataException($"--slots {slots}: the displays have no column {FeedbackOptions.SlotColumn}");
        (_split, _slots) = (split, slots);
        _period = part == SplitPart.Test ? (test, long.MaxValue) : (validate, test);
    }

    /// <summary>Judges a policy's choices beside those of the log.</summary>
    /// <param name="scorer">Scores all items.</param>
    /// <param name="temperature">T of the softmax, above 0.</param>
    /// <param name="model">q̂ of every item, N + 1 numbers; the first is not read.</param>
    /// <param name="progress">Called with the rounds so far.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <exception cref="NotFiniteNumberException">A score is NaN.</exception>
    public List<LoggedRound> Rounds(IItemScorer scorer, double temperature, double[] model, Action<int>? progress = null, CancellationToken cancellationToken = default)
    {
        var width = _split.Log.Catalogue.Count + 1;
        var scores = new double[scorer.MaxBatch * width];
        List<LoggedRound> rounds = [];
        foreach (var asked in Shown().Chunk(scorer.MaxBatch))
        {
            cancellationToken.ThrowIfCancellationRequested();
            scorer.Score([.. asked.Select(shown => shown.Question)], scores.AsSpan(0, asked.Length * width));
            var judged = new LoggedRound[asked.Length][];
            Parallel.For(0, asked.Length, a => judged[a] = Judge(asked[a], scores.AsSpan(a * width, width), temperature, model));
            foreach (var some in judged)
                rounds.AddRange(some);
            progress?.Invoke(rounds.Count);
        }

        return rounds;
    }

    private LoggedRound[] Judge(ShownAt shown, Span<double> scores, double temperature, double[] model)
    {
        if (scores[1..].Contains(double.NaN))
            throw new NotFiniteNumberException($"a score for user \"{_split.Log.UserId(shown.Question.User)}\" is NaN; scores are numbers");
        ToPolicy(scores, shown.Question.History.Span, temperature);
        var expected = 0.0;
        for (var item = 1; item < scores.Length; item++)
            expected += scores[item] * model[item];
        var rounds = new LoggedRound[shown.Count];
        for (var r = 0; r < rounds.Length; r++)
        {
            var (row, item) = (shown.First + r, shown.Rows.Items.Span[shown.First + r]);
            rounds[r] = new LoggedRound(shown.Question.User, shown.Rows.Rewards.Span[row], shown.Rows.Propensities!.Value.Span[row], scores[item], model[item], expected);
        }

        return rounds;
    }

    /// <summary>Makes scores probabilities, 0 for what was watched; all are 0 where nothing can be shown.</summary>
    private static void ToPolicy(Span<double> scores, ReadOnlySpan<int> watched, double temperature)
    {
        scores[0] = double.NegativeInfinity;
        foreach (var item in watched)
            scores[item] = double.NegativeInfinity;
        var highest = TensorPrimitives.Max<double>(scores);
        if (double.IsNegativeInfinity(highest))
        {
            scores.Clear();
            return;
        }

        TensorPrimitives.Subtract(scores, highest, scores);
        TensorPrimitives.Divide(scores, temperature, scores);
        TensorPrimitives.Exp<double>(scores, scores);
        TensorPrimitives.Divide(scores, TensorPrimitives.Sum<double>(scores), scores);
    }

    private IEnumerable<ShownAt> Shown()
    {
        for (var user = 0; user < _split.Log.UserCount; user++)
        {
            var all = _split.Log.Feedback!.RowsOf(user);
            var rows = all.Where(row => all.Times!.Value.Span[row] >= _period.From && all.Times.Value.Span[row] < _period.To
                && (_slots == 0 || all.Slots!.Value.Span[row] is > 0 and var slot && slot <= _slots));
            for (var (first, next) = (0, 0); first < rows.Count; first = next)
            {
                while (next < rows.Count && IsSameState(rows, first, next))
                    next++;
                yield return new ShownAt(QuestionOf(user, rows, first), rows, first, next - first);
            }
        }
    }

    private static bool IsSameState(FeedbackRows rows, int a, int b) =>
        rows.Steps.Span[a] == rows.Steps.Span[b] && rows.Context.All(field => field.Span[a] == field.Span[b]);

    private Question QuestionOf(int user, FeedbackRows rows, int row)
    {
        var (log, step) = (_split.Log, rows.Steps.Span[row]);
        return new Question(
            user, log.ItemsOf(user)[..step], rows.Context.Select(field => field.Span[row]).ToArray(), log.TimesOf(user)[..step], log.HistoryContextOf(user, step));
    }

    /// <summary>Displays in one state, for which a scorer is asked once.</summary>
    private readonly record struct ShownAt(Question Question, FeedbackRows Rows, int First, int Count);
}
