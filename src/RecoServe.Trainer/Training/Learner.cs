using RecoServe.Trainer.Models;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Training;

/// <summary>One step of training: dropout, loss, gradient, update.</summary>
internal sealed class Learner(NextWatchNetwork network, FitOptions options) : IDisposable
{
    private readonly FullSoftmax _softmax = new(network.ItemMatrix, network.ItemBias, FullSoftmax.ChunkFor(network.Shape.ItemCount));

    /// <summary>The optimiser, with the state that a checkpoint needs.</summary>
    public Adam Optimiser { get; } = new(network.named_parameters(), options.LearningRate, options.ClipNorm);

    /// <summary>Learns from one batch. Its chance (dropout) is a function of the seed and the number of the step alone.</summary>
    /// <returns>The batch's mean loss in nats, before the step.</returns>
    public double Learn(Batch batch)
    {
        using var scope = NewDisposeScope();
        manual_seed(HashSeed.Of(options.Seed, Optimiser.Steps));
        network.train();
        var states = network.Read(batch.Items()).flatten(0, 1).index_select(0, batch.Cells());
        var loss = _softmax.Backward(network.Fuse(states, batch.Context()), batch.Targets());
        network.SpreadGradient();
        Optimiser.Step();
        network.Refresh();
        return loss;
    }

    public void Dispose()
    {
        _softmax.Dispose();
        Optimiser.Dispose();
    }
}
