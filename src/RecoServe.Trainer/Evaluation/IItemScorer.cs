using RecoServe.Engine.Inference;

namespace RecoServe.Trainer.Evaluation;

/// <summary>Scores every item for a batch of users. What is evaluated: a baseline, a network in training, a model package.</summary>
internal interface IItemScorer
{
    /// <summary>Most questions that one call of <see cref="Score"/> takes.</summary>
    int MaxBatch { get; }

    /// <summary>Scores all items for each question.</summary>
    /// <param name="questions">1…<see cref="MaxBatch"/> questions.</param>
    /// <param name="scores">Row-major [questions, N + 1]; every cell of columns 1…N is written, −∞ where an item
    /// cannot be scored; column 0 is not read.</param>
    void Score(ReadOnlySpan<Question> questions, Span<double> scores);
}

/// <summary>What would be asked of the server: a history, and the context of the request.</summary>
/// <param name="User">Index of the user in the log.</param>
/// <param name="History">Item indexes, oldest first: everything before the target. Not cut to a model's length.</param>
/// <param name="Context">One code a context field of the log, as at the target event; 0 = unknown.</param>
/// <param name="Times">When the watches of the history were, milliseconds since 1970 UTC; empty if that is not known.</param>
/// <param name="HistoryContext">For each context field of the log, its code at every watch of the history; null if they are not known.</param>
internal readonly record struct Question(
    int User, ReadOnlyMemory<int> History, ReadOnlyMemory<ushort> Context, ReadOnlyMemory<long> Times = default, IReadOnlyList<ReadOnlyMemory<ushort>>? HistoryContext = null)
{
    /// <summary>Context codes of the newest watches, row-major [newest, fields]; empty if they are not known.</summary>
    public int[] HistoryContextOf(int newest)
    {
        if (HistoryContext is not { Count: > 0 } fields)
            return [];
        newest = Math.Min(newest, History.Length);
        var codes = new int[newest * fields.Count];
        for (var cell = 0; cell < codes.Length; cell++)
            codes[cell] = fields[cell % fields.Count].Span[History.Length - newest + (cell / fields.Count)];
        return codes;
    }

    /// <summary>The <see cref="TimeGap"/> codes of the newest watches; empty without times.</summary>
    public int[] GapsOf(int newest) =>
        Times.IsEmpty ? [] : TimeGap.CodesOf([.. Times.Span[^Math.Min(newest, Times.Length)..].ToArray().Select(time => (long?)time)]);
}
