using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Training;

/// <summary>
/// Adam (Kingma and Ba 2015, algorithm 1) with its moments in plain sight, so that a checkpoint can hold them. Gradients are
/// kept in <c>grad</c> for the whole training and zeroed, never released.
/// </summary>
/// <remarks>
/// TorchSharp hands a scalar's memory to libtorch and forgets the scalar: one that nobody holds may be collected, and its
/// memory freed, while libtorch computes with it. So every scalar is held and disposed; the implicit conversion is banned.
/// </remarks>
internal sealed class Adam : IDisposable
{
    private const double Beta1 = 0.9, Beta2 = 0.999;

    private readonly Scalar _keepMean = Beta1.ToScalar(), _addMean = (1 - Beta1).ToScalar();
    private readonly Scalar _keepSquare = Beta2.ToScalar(), _addSquare = (1 - Beta2).ToScalar();
    private readonly Scalar _epsilon = 1e-8.ToScalar();

    private readonly (Parameter Weight, Tensor Mean, Tensor Square)[] _slots;
    private readonly Parameter[][] _clipped;
    private readonly double _clipNorm;

    /// <param name="parameters">What to train, by name.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="clipNorm">Longest gradient, over all parameters together; a longer one is shortened to it.</param>
    /// <param name="apart">More to train, which must not change how <paramref name="parameters"/> move: clipped by itself.</param>
    public Adam(
        IReadOnlyList<(string Name, Parameter Parameter)> parameters,
        double rate,
        double clipNorm,
        IReadOnlyList<(string Name, Parameter Parameter)>? apart = null)
    {
        (Rate, _clipNorm) = (rate, clipNorm);
        apart ??= [];
        _clipped = [.. new[] { parameters, apart }.Where(group => group.Count > 0).Select(group => group.Select(p => p.Parameter).ToArray())];
        (string Name, Parameter Parameter)[] named = [.. parameters, .. apart];
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
        foreach (var group in _clipped)
            nn.utils.clip_grad_norm_(group, _clipNorm);
        Steps++;
        using var step = (-Rate / (1 - Math.Pow(Beta1, Steps))).ToScalar();
        using var correction = (1 / Math.Sqrt(1 - Math.Pow(Beta2, Steps))).ToScalar();
        foreach (var (weight, mean, square) in _slots)
        {
            var gradient = weight.grad!;
            mean.mul_(_keepMean).add_(gradient, alpha: _addMean);
            square.mul_(_keepSquare).addcmul_(gradient, gradient, _addSquare);
            weight.addcdiv_(mean, square.sqrt().mul_(correction).add_(_epsilon), step);
            gradient.zero_();
        }
    }

    public void Dispose()
    {
        foreach (var scalar in (Scalar[])[_keepMean, _addMean, _keepSquare, _addSquare, _epsilon])
            scalar.Dispose();
        foreach (var (weight, mean, square) in _slots)
        {
            weight.grad?.Dispose();
            mean.Dispose();
            square.Dispose();
        }
    }
}
