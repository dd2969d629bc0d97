using System.Text.Json;
using RecoServe.Trainer.Models;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Training;

/// <summary>
/// The files of a run's <c>checkpoint</c> folder: <c>last</c>, from which training goes on, <c>best</c>, and <c>end</c> if the
/// weights that training ended with are better. That one goes when training goes on, and then nothing is left of its having ended.
/// </summary>
internal sealed class Checkpoint
{
    private const string StateKey = "state";

    private readonly string _last;
    private readonly string _best;
    private readonly string _end;

    /// <param name="folder">The folder; made if absent.</param>
    public Checkpoint(string folder)
    {
        Directory.CreateDirectory(folder);
        _last = Path.Combine(folder, "last.safetensors");
        _best = Path.Combine(folder, "best.safetensors");
        _end = Path.Combine(folder, "end.safetensors");
    }

    /// <summary>Whether there is anything to continue from.</summary>
    public bool CanResume => File.Exists(_last);

    /// <summary>Whether a validation has chosen weights.</summary>
    public bool HasBest => File.Exists(_best) || File.Exists(_end);

    /// <summary>Saves all that continuing needs.</summary>
    /// <param name="network">Its weights.</param>
    /// <param name="besides">What training has besides the network, by name.</param>
    /// <param name="state">Where the run stands.</param>
    public void SaveLast(NextWatchNetwork network, IReadOnlyDictionary<string, Tensor> besides, FitState state) =>
        TensorFile.Write(_last, Everything(network, besides), Metadata(state));

    /// <summary>Saves the weights of the best epoch.</summary>
    public void SaveBest(NextWatchNetwork network, FitState state) => TensorFile.Write(_best, Weights(network), Metadata(state));

    /// <summary>Saves weights that are better than the best, and with which training ends.</summary>
    public void SaveEnd(NextWatchNetwork network, FitState state) => TensorFile.Write(_end, Weights(network), Metadata(state));

    /// <summary>Forgets what <see cref="SaveEnd"/> saved.</summary>
    public void DropEnd() => File.Delete(_end);

    /// <summary>Restores what <see cref="SaveLast"/> saved, in place.</summary>
    public FitState RestoreLast(NextWatchNetwork network, IReadOnlyDictionary<string, Tensor> besides)
    {
        var state = State(TensorFile.Read(_last, Everything(network, besides)));
        network.Refresh();
        return state;
    }

    /// <summary>Restores the best weights in place: those of the end, if they are.</summary>
    public FitState RestoreBest(NextWatchNetwork network)
    {
        var state = State(TensorFile.Read(File.Exists(_end) ? _end : _best, Weights(network)));
        network.Refresh();
        return state;
    }

    private static Dictionary<string, Tensor> Everything(NextWatchNetwork network, IReadOnlyDictionary<string, Tensor> besides) =>
        Weights(network).Concat(besides).ToDictionary();

    private static Dictionary<string, Tensor> Weights(NextWatchNetwork network) =>
        network.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);

    private static Dictionary<string, string> Metadata(FitState state) =>
        new() { [StateKey] = JsonSerializer.Serialize(state, RunJson.Default.FitState) };

    private static FitState State(IReadOnlyDictionary<string, string> metadata) =>
        JsonSerializer.Deserialize(metadata[StateKey], RunJson.Default.FitState)!;
}
