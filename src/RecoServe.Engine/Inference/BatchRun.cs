namespace RecoServe.Engine.Inference;

/// <summary>What one run of a batch took.</summary>
/// <param name="Encode">Time in the encoder graph, or in a plain graph, filling the inputs included.</param>
/// <param name="Score">Time in the scorer graph.</param>
internal readonly record struct BatchRun(TimeSpan Encode, TimeSpan Score)
{
    internal TimeSpan Total => Encode + Score;
}
