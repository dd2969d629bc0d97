using static TorchSharp.torch;

namespace RecoServe.Trainer.Objectives;

/// <summary>A loss of states and the items that followed them, with a hand-written gradient in bounded memory.</summary>
internal interface IItemLoss : IDisposable
{
    /// <summary>Adds the gradient of Σ wᵢ lossᵢ / positions to the item matrix and the biases.</summary>
    /// <param name="states">[positions, d], without a graph.</param>
    /// <param name="targets">int64 [positions], 1…N.</param>
    /// <param name="weights">w [positions], any sign; null for 1 everywhere.</param>
    /// <param name="gradient">[positions, d]: the states' own gradient is added here.</param>
    /// <param name="watched">What a target is not set against, in any row; null: nothing. Losses that draw do not read it.</param>
    /// <returns>Σ wᵢ lossᵢ / positions, nats.</returns>
    double Accumulate(Tensor states, Tensor targets, Tensor? weights, Tensor gradient, WatchedItems? watched = null);
}
