using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Models;

/// <summary>Questions in the form of the encoder's inputs: see <c>PackageFiles.ItemsInput</c> and its neighbours.</summary>
internal sealed class HistoryBatch
{
    /// <param name="questions">One row each.</param>
    /// <param name="maxHistory">Of a longer history the newest so many watches are taken.</param>
    /// <param name="contextFields">Context fields that the model reads.</param>
    /// <param name="withGaps">Whether the model reads time gaps.</param>
    /// <param name="withContexts">Whether the model reads the contexts of watches.</param>
    public HistoryBatch(ReadOnlySpan<Question> questions, int maxHistory, int contextFields, bool withGaps = false, bool withContexts = false)
    {
        Rows = questions.Length;
        Lengths = new int[Rows];
        for (var row = 0; row < Rows; row++)
            Lengths[row] = 1 + Math.Min(maxHistory, questions[row].History.Length);
        Length = Lengths.Max();
        Items = new int[Rows * Length];
        Gaps = new int[Rows * Length];
        HistoryContext = new int[withContexts ? Rows * Length * contextFields : 0];
        Context = new int[Rows * contextFields];
        for (var row = 0; row < Rows; row++)
        {
            questions[row].History.Span[^(Lengths[row] - 1)..].CopyTo(Items.AsSpan((row * Length) + 1));
            if (withGaps)
                questions[row].GapsOf(Lengths[row] - 1).CopyTo(Gaps.AsSpan((row * Length) + 1));
            if (withContexts)
                questions[row].HistoryContextOf(Lengths[row] - 1).CopyTo(HistoryContext.AsSpan(((row * Length) + 1) * contextFields));
            for (var f = 0; f < contextFields; f++)
                Context[(row * contextFields) + f] = questions[row].Context.Span[f];
        }
    }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Width of <see cref="Items"/>: the longest row.</summary>
    public int Length { get; }

    /// <summary>[rows, length]: the start marker 0, items oldest first, padding 0.</summary>
    public int[] Items { get; }

    /// <summary>[rows, length]: <c>TimeGap</c> codes, 0 where unknown or not asked for.</summary>
    public int[] Gaps { get; }

    /// <summary>[rows, length, fields]: codes of the contexts of watches, 0 where unknown; empty if not asked for.</summary>
    public int[] HistoryContext { get; }

    /// <summary>[rows]: start marker included.</summary>
    public int[] Lengths { get; }

    /// <summary>[rows, fields]: codes, 0 = unknown.</summary>
    public int[] Context { get; }
}
