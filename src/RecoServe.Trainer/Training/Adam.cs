using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Training;

/// <summary>
/// Adam (Kingma and Ba 2015, algorithm 1) with its moments in plain sight, so that a checkpoint can hold them. Gradients are
/// kept in <c>grad</c> for the whole training and zeroed, never released.
/// </summary>
internal sealed class Adam : IDisposable
{
    private const double Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8;

    private readonly (Parameter Weight, Tensor Mean, Tensor Square)[] _slots;
    private readonly double _clipNorm;

    /// <param name="parameters">What to train, by name.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="clipNorm">Longest gradient, over all parameters together; a longer one is shortened to it.</param>
    public Adam(IEnumerable<(string Name, Parameter Parameter)> parameters, double rate, double clipNorm)
    {
        (Rate, _clipNorm) = (rate, clipNorm);
        var named = parameters.ToArray();
        _slots = [.. named.Select(p => (p.Parameter, zeros_like(p.Parameter).requires_grad_(false), zeros_like(p.Parameter).requires_grad_(false)))];
        foreach (var (weight, mean, _) in _slots)
            weight.grad = mean.clone();
        State = named.Zip(_slots)
            .SelectMany(p => new[] { ($"mean.{p.First.Name}", p.Second.Mean), ($"square.{p.First.Name}", p.Second.Square) })
            .ToDictionary(p => p.Item1, p => p.Item2);
    }

    /// <summary>The learning rate of the next step.</summary>
    public double Rate { get; set; }

    /// <summary>Steps taken so far; set when a checkpoint is read.</summary>
    public long Steps { get; set; }

    /// <summary>The moments, by name: what a checkpoint holds and restores in place.</summary>
    public IReadOnlyDictionary<string, Tensor> State { get; }

    /// <summary>Moves every parameter against its gradient, and zeroes the gradients.</summary>
    public void Step()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        nn.utils.clip_grad_norm_(_slots.Select(s => s.Weight), _clipNorm);
        Steps++;
        var rate = Rate / (1 - Math.Pow(Beta1, Steps));
        var correction = 1 / Math.Sqrt(1 - Math.Pow(Beta2, Steps));
        foreach (var (weight, mean, square) in _slots)
        {
            var gradient = weight.grad!;
            mean.mul_(Beta1).add_(gradient, alpha: 1 - Beta1);
            square.mul_(Beta2).addcmul_(gradient, gradient, 1 - Beta2);
            weight.addcdiv_(mean, square.sqrt().mul_(correction).add_(Epsilon), -rate);
            gradient.zero_();
        }
    }

    public void Dispose()
    {
        foreach (var (weight, mean, square) in _slots)
        {
            weight.grad?.Dispose();
            mean.Dispose();
            square.Dispose();
        }
    }
}
