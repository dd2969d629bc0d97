namespace RecoServe.Engine;

/// <summary>A request that no model could answer: a field is malformed or out of range.</summary>
/// <param name="field">Path of the field, as in the contract, for example <c>sampling.top_p</c>.</param>
/// <param name="problem">What is wrong with it and what would be right.</param>
public sealed class InvalidRequestException(string field, string problem) : Exception($"{field}: {problem}")
{
    /// <summary>Path of the field.</summary>
    public string Field { get; } = field;

    /// <summary>What is wrong with it and what would be right.</summary>
    public string Problem { get; } = problem;
}
