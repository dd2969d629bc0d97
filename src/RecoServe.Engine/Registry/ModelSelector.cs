namespace RecoServe.Engine.Registry;

/// <summary>Names a model and, if wanted, one of its versions.</summary>
/// <param name="Name">The model's name; empty = the default model.</param>
/// <param name="Version">This version and no other.</param>
/// <param name="Label">The version that this label points at. Not together with <paramref name="Version"/>.</param>
public readonly record struct ModelSelector(string Name, long? Version = null, string? Label = null)
{
    /// <summary>Whether neither is named, so that shares and labels decide which version answers.</summary>
    internal bool IsOpen => Version is null && Label is null;
}
