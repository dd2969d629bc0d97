using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>
/// The right to use a model version until disposed. Holding it delays the version's unloading and keeps its memory, so
/// hold it for one request.
/// </summary>
/// <param name="version">Counts it already.</param>
/// <param name="label">The label by which the version was chosen; empty if by none.</param>
internal sealed class ModelLease(ModelVersion version, string label) : IDisposable
{
    private readonly LoadedModel _model = version.Model;
    private int _disposed;

    internal ModelVersion Version => version;

    internal string Label => label;

    internal ModelPackage Package => _model.Package;

    internal ItemMatrix Matrix => _model.Matrix;

    internal Batcher Batcher => _model.Batcher;

    /// <summary>The logits for someone of whom nothing is known.</summary>
    internal ReadOnlySpan<float> LogitsOfNobody => _model.LogitsOfNobody;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            version.Release();
    }
}
