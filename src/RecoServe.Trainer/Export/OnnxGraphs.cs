using Microsoft.ML.OnnxRuntime;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Models;

namespace RecoServe.Trainer.Export;

/// <summary>The two graphs of a package in ONNX Runtime.</summary>
internal sealed class OnnxGraphs : IDisposable
{
    private readonly InferenceSession _encoder;
    private readonly InferenceSession _scorer;
    private readonly ModelManifest _manifest;

    /// <param name="package">An opened package.</param>
    public OnnxGraphs(ModelPackage package)
    {
        _manifest = package.Manifest;
        _encoder = new InferenceSession(package.PathOf(PackageFiles.Encoder));
        _scorer = new InferenceSession(package.PathOf(PackageFiles.Scorer));
    }

    /// <summary>Row-major [rows, N + 1].</summary>
    public float[] Logits(HistoryBatch batch)
    {
        var inputs = new Dictionary<string, OrtValue>
        {
            [PackageFiles.ItemsInput] = OrtValue.CreateTensorValueFromMemory(batch.Items, [batch.Rows, batch.Length]),
            [PackageFiles.LengthsInput] = OrtValue.CreateTensorValueFromMemory(batch.Lengths, [batch.Rows]),
        };
        if (_manifest.ContextFields.Count > 0)
            inputs.Add(PackageFiles.ContextInput, OrtValue.CreateTensorValueFromMemory(batch.Context, [batch.Rows, _manifest.ContextFields.Count]));
        try
        {
            using var options = new RunOptions();
            using var state = _encoder.Run(options, inputs, [PackageFiles.State]);
            using var logits = _scorer.Run(options, [PackageFiles.State], [state[0]], [PackageFiles.Logits]);
            return logits[0].GetTensorDataAsSpan<float>().ToArray();
        }
        finally
        {
            foreach (var input in inputs.Values)
                input.Dispose();
        }
    }

    public void Dispose()
    {
        _encoder.Dispose();
        _scorer.Dispose();
    }
}
