namespace RecoServe.Engine.Inference;

/// <summary>One run of a batch.</summary>
/// <param name="Output">Where the results lie; each row releases it once.</param>
/// <param name="Encode">Time in the encoder graph, filling the inputs included.</param>
/// <param name="Score">Time in the scorer graph.</param>
internal readonly record struct BatchRun(BatchOutput Output, TimeSpan Encode, TimeSpan Score)
{
    /// <summary>Releases the output for all rows of the batch at once.</summary>
    internal void Release(int rows)
    {
        for (var i = 0; i < rows; i++)
            Output.Release();
    }
}
