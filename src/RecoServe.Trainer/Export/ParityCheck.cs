using System.Numerics.Tensors;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;

namespace RecoServe.Trainer.Export;

/// <summary>
/// The proof that the graphs compute what the network computes: both score the same real histories, the graphs by the very
/// code that serves them.
/// </summary>
/// <param name="Histories">Histories compared.</param>
/// <param name="LargestDelta">Largest |Δ logit| over all histories and items.</param>
/// <param name="SameTop">Share of histories whose 100 highest items are the same, but for near ties: see <see cref="LeastSameTop"/>.</param>
internal sealed record ParityCheck(int Histories, double LargestDelta, double SameTop)
{
    /// <summary>
    /// Largest |Δ logit| that passes. It also bounds the order: two items can change places only if their logits are within
    /// twice of it.
    /// </summary>
    public const double Tolerance = 1e-4;

    /// <summary>
    /// Least share of histories that must have the same items in the top 100. Items whose logits in libtorch are within <see cref="Tolerance"/> are
    /// near ties, of which either may be in. So an export whose logits differ by half the tolerance, many times what two libraries do, cannot fail;
    /// what fails is one whose errors each pass and together turn an order that was clear.
    /// </summary>
    public const double LeastSameTop = 0.9999;

    private const int Top = 100;

    /// <summary>Compares a package with the network.</summary>
    /// <exception cref="PackageException">They differ; names the history and the item that differ most, or the first history with other items in the top 100.</exception>
    public static ParityCheck Run(NextWatchNetwork network, ModelPackage package, IReadOnlyList<Question> histories)
    {
        using var runner = new ModelRunner(package, new RunnerOptions { MaxBatchSize = 128 });
        var scorer = new NetworkScorer(network, package.Manifest.MaxHistory);
        var (worst, worstHistory, worstItem) = (0d, 0, 0);
        List<int> otherTop = [];
        var questions = histories.ToArray();
        var batch = Math.Min(scorer.MaxBatch, runner.MaxBatchSize);
        for (var first = 0; first < questions.Length; first += batch)
        {
            var part = questions.AsSpan(first, Math.Min(batch, questions.Length - first));
            using var expected = scorer.Logits(part);
            var actual = runner.Logits([.. part.ToArray().Select(q => InputOf(q, package.Manifest.MaxHistory))]);
            for (var row = 0; row < part.Length; row++)
            {
                var width = package.Manifest.ItemCount + 1;
                var torch = NetworkScorer.Floats(expected).Slice(row * width, width);
                var onnx = actual.AsSpan(row * width, width);
                var (delta, item) = LargestDifference(torch, onnx);
                if (delta > worst)
                    (worst, worstHistory, worstItem) = (delta, first + row, item);
                if (!HasSameTop(torch, onnx))
                    otherTop.Add(first + row);
            }
        }

        if (worst > Tolerance)
        {
            throw new PackageException(
                package.Directory,
                $"does not compute what was trained: history {worstHistory + 1} of the sample gives item \"{package.Catalogue.IdOf(Math.Max(worstItem, 1))}\" "
                + $"a logit that differs by {worst:g3}; {Tolerance:g1} is allowed. Nothing was published");
        }

        var sameTop = (double)(questions.Length - otherTop.Count) / questions.Length;
        if (sameTop < LeastSameTop)
        {
            throw new PackageException(
                package.Directory,
                $"does not rank as what was trained: {otherTop.Count} of {questions.Length} histories, the first of them history {otherTop[0] + 1} of the sample, "
                + $"have other items in the top {Top}, though no logit differs by more than {worst:g3}. Nothing was published");
        }

        return new ParityCheck(questions.Length, worst, sameTop);
    }

    private static EncoderInput InputOf(Question question, int maxHistory) =>
        new(question.History[Math.Max(0, question.History.Length - maxHistory)..], question.Context.ToArray().Select(code => (int)code).ToArray(), question.GapsOf(maxHistory),
            question.HistoryContextOf(maxHistory));

    /// <summary>Over items 1…N. Infinite if a logit is not a number, or if the start marker could be recommended.</summary>
    private static (double Delta, int Item) LargestDifference(ReadOnlySpan<float> torch, ReadOnlySpan<float> onnx)
    {
        var difference = new float[torch.Length];
        TensorPrimitives.Subtract(torch[1..], onnx[1..], difference.AsSpan(1));
        var item = TensorPrimitives.IndexOfMaxMagnitude<float>(difference);
        var delta = Math.Abs(difference[item]);
        return float.IsNaN(delta) || onnx[0] != float.NegativeInfinity ? (double.PositiveInfinity, item) : (delta, item);
    }

    /// <summary>Whether each item that is in the top of one alone is nearly tied in libtorch with each that is in the other's alone.</summary>
    private static bool HasSameTop(ReadOnlySpan<float> torch, ReadOnlySpan<float> onnx)
    {
        var (expected, actual) = (TopOf(torch), TopOf(onnx));
        var (highestLost, lowestGained) = (float.NegativeInfinity, float.PositiveInfinity);
        foreach (var item in expected.Except(actual))
            highestLost = Math.Max(highestLost, torch[item]);
        foreach (var item in actual.Except(expected))
            lowestGained = Math.Min(lowestGained, torch[item]);
        return highestLost - lowestGained <= Tolerance;
    }

    private static HashSet<int> TopOf(ReadOnlySpan<float> logits)
    {
        var order = Enumerable.Range(1, logits.Length - 1).ToArray();
        var negated = logits[1..].ToArray();
        TensorPrimitives.Negate(negated, negated);
        Array.Sort(negated, order);
        return [.. order.Take(Top)];
    }
}
