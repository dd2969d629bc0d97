using RecoServe.Trainer.Training;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Objectives;

/// <summary>Tells with which probability items were shown.</summary>
internal interface IPropensity
{
    /// <summary>ln β [positions] of the items shown, without a graph.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="states">The policy's states [positions, d] before each row.</param>
    Tensor LogOf(Batch batch, Tensor states);
}
