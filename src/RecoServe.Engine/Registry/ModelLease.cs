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
    private readonly LoadedVersion _loaded = version.Model;
    private int _disposed;

    internal ModelVersion Version => version;

    internal string Label => label;

    internal LoadedVersion Loaded => _loaded;

    internal ModelPackage Package => Model.Package;

    internal ItemMatrix Matrix => Model.Matrix;

    internal Batcher<EncoderInput, BatchOutput> Batcher => Model.Batcher;

    /// <summary>The logits for someone of whom nothing is known.</summary>
    internal ReadOnlySpan<float> LogitsOfNobody => Model.LogitsOfNobody;

    /// <exception cref="ModelStateException">It is a plain graph, which recommends nothing.</exception>
    private LoadedModel Model => _loaded as LoadedModel ?? throw new ModelStateException(
        $"model {version.Metrics.Name} is a plain graph, which recommends nothing: inference.GRPCInferenceService computes it");

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            version.Release();
    }
}
