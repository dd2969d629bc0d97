namespace RecoServe.Engine.Registry;

/// <summary>There is no such model, version or label, or it does not serve and is not about to.</summary>
/// <param name="message">What was asked for and what there is.</param>
public sealed class ModelNotFoundException(string message) : Exception(message);

/// <summary>The model is known but is still being loaded: try again soon.</summary>
/// <param name="message">What was asked for and its state.</param>
public sealed class ModelUnavailableException(string message) : Exception(message);
