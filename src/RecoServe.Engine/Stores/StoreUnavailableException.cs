namespace RecoServe.Engine.Stores;

/// <summary>The store did not answer, or not as it should: nothing is known against the versions in it, and later it may.</summary>
/// <param name="message">Names the option, and the bucket or key.</param>
/// <param name="inner">The cause.</param>
public sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
