using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Batching;

/// <summary>What was computed for one history.</summary>
internal static class EncodedRow
{
    extension(RowResult<BatchOutput> row)
    {
        /// <summary>User state, length d.</summary>
        internal ReadOnlySpan<float> State => row.Output.State(row.Place);

        /// <summary>Logits of items 0…N, index 0 being −∞. Only if the row asked for logits.</summary>
        internal ReadOnlySpan<float> Logits => row.Output.LogitsOf(row.Place);
    }
}
