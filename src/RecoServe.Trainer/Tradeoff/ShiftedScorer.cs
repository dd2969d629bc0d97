using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tradeoff;

/// <summary>
/// A scorer with ln ρ added to the logits of some items: the policy that a training with reward ρ on them would lead to at full
/// capacity, π ∝ p · R.
/// </summary>
/// <param name="scorer">Gives logits.</param>
/// <param name="isFavoured">For each item 1…N whether it is shifted; entry 0 is not read.</param>
/// <param name="reward">ρ, above 0.</param>
internal sealed class ShiftedScorer(IItemScorer scorer, bool[] isFavoured, double reward) : IItemScorer
{
    private readonly double _shift = Math.Log(reward);

    /// <inheritdoc/>
    public int MaxBatch => scorer.MaxBatch;

    /// <inheritdoc/>
    public void Score(ReadOnlySpan<Question> questions, Span<double> scores)
    {
        scorer.Score(questions, scores);
        for (var row = 0; row < questions.Length; row++)
        {
            var own = scores.Slice(row * isFavoured.Length, isFavoured.Length);
            for (var i = 1; i < own.Length; i++)
                own[i] += isFavoured[i] ? _shift : 0;
        }
    }
}
