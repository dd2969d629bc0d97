using RecoServe.Trainer.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Training;

/// <summary>
/// The average of a network's weights over the steps of training (Polyak and Juditsky 1992), each counting 1 / decay times the one before: it has
/// not what steps of constant size do to and fro. Corrected for its start, as Adam's moments are.
/// </summary>
internal sealed class WeightAverage : IDisposable
{
    private readonly NextWatchNetwork _network;
    private readonly double _decay;
    private readonly (Parameter Weight, Tensor Average)[] _pairs;

    /// <param name="network">Its weights are averaged.</param>
    /// <param name="decay">In (0, 1); the last 1 / (1 − decay) steps count most.</param>
    public WeightAverage(NextWatchNetwork network, double decay)
    {
        (_network, _decay) = (network, decay);
        var named = network.named_parameters().ToArray();
        _pairs = [.. named.Select(p => (p.parameter, zeros_like(p.parameter).requires_grad_(false)))];
        State = named.Zip(_pairs).ToDictionary(p => $"average.{p.First.name}", p => p.Second.Average);
    }

    /// <summary>The average, by name: what a checkpoint holds and restores in place.</summary>
    public IReadOnlyDictionary<string, Tensor> State { get; }

    /// <summary>Takes in the weights as they are.</summary>
    /// <param name="step">The number of the step after which they are so, from 1.</param>
    public void Add(long step)
    {
        using var guard = no_grad();
        var share = (1 - _decay) / (1 - Math.Pow(_decay, step));
        using var keep = (1 - share).ToScalar();
        using var add = share.ToScalar();
        foreach (var (weight, average) in _pairs)
            average.mul_(keep).add_(weight, alpha: add);
    }

    /// <summary>Puts the average in the network's place while something sees it.</summary>
    public void Show(Action see)
    {
        Exchange();
        try
        {
            see();
        }
        finally
        {
            Exchange();
        }
    }

    public void Dispose()
    {
        foreach (var (_, average) in _pairs)
            average.Dispose();
    }

    private void Exchange()
    {
        using var guard = no_grad();
        foreach (var (weight, average) in _pairs)
        {
            using var kept = weight.clone();
            weight.copy_(average);
            average.copy_(kept);
        }

        _network.Refresh();
    }
}
