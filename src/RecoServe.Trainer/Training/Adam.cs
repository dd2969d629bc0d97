using RecoServe.Trainer.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Training;

/// <summary>
/// Adam (Kingma and Ba 2015, algorithm 1) with its moments in plain sight, so that a checkpoint can hold them. Gradients are
/// kept in <c>grad</c> for the whole training and zeroed, never released. Where a gradient is sparse (<see cref="RowGradient"/>),
/// only its rows and their moments change; if it has all rows, the step is that of a dense one.
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

    private readonly Slot[][] _clipped;
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
        var groups = new[] { parameters, apart ?? [] }.Where(group => group.Count > 0).ToArray();
        _clipped = [.. groups.Select(group => group.Select(p => Slot.Of(p.Parameter)).ToArray())];
        State = groups.SelectMany(g => g).Zip(_clipped.SelectMany(g => g))
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
        Steps++;
        using var step = (-Rate / (1 - Math.Pow(Beta1, Steps))).ToScalar();
        using var correction = (1 / Math.Sqrt(1 - Math.Pow(Beta2, Steps))).ToScalar();
        foreach (var group in _clipped)
        {
            var gradients = Array.ConvertAll(group, slot => RowGradient.Sum(slot.Weight.grad!));
            Shorten(gradients);
            foreach (var (slot, (rows, gradient)) in group.Zip(gradients))
                Move(slot, rows, gradient, step, correction);
        }
    }

    public void Dispose()
    {
        foreach (var scalar in (Scalar[])[_keepMean, _addMean, _keepSquare, _addSquare, _epsilon])
            scalar.Dispose();
        foreach (var (weight, mean, square) in _clipped.SelectMany(group => group))
        {
            weight.grad?.Dispose();
            mean.Dispose();
            square.Dispose();
        }
    }

    /// <summary>Shortens gradients that are too long together; a sparse one is as long as the sums of its rows.</summary>
    private void Shorten((Tensor? Rows, Tensor Values)[] gradients)
    {
        using var one = 1.ToScalar();
        using var little = 1e-6.ToScalar();
        var length = stack(gradients.Select(g => g.Values.norm())).norm();
        var factor = tensor(_clipNorm, length.dtype).div(length.Plus(little)).clamp_max(one);
        foreach (var (_, values) in gradients)
            values.mul_(factor);
    }

    private void Move(Slot slot, Tensor? rows, Tensor gradient, Scalar step, Scalar correction)
    {
        if (rows is null)
        {
            Move(slot.Weight, slot.Mean, slot.Square, gradient, step, correction);
            gradient.zero_();
            return;
        }

        var (weight, mean, square) = (slot.Weight.index_select(0, rows), slot.Mean.index_select(0, rows), slot.Square.index_select(0, rows));
        Move(weight, mean, square, gradient, step, correction);
        slot.Weight.index_copy_(0, rows, weight);
        slot.Mean.index_copy_(0, rows, mean);
        slot.Square.index_copy_(0, rows, square);
        slot.Weight.grad!.zero_();
    }

    private void Move(Tensor weight, Tensor mean, Tensor square, Tensor gradient, Scalar step, Scalar correction)
    {
        mean.mul_(_keepMean).add_(gradient, alpha: _addMean);
        square.mul_(_keepSquare).addcmul_(gradient, gradient, _addSquare);
        weight.addcdiv_(mean, square.sqrt().mul_(correction).Increase(_epsilon), step);
    }

    private sealed record Slot(Parameter Weight, Tensor Mean, Tensor Square)
    {
        /// <summary>Moments 0, and a gradient 0: a dense one, unless the parameter's is sparse.</summary>
        public static Slot Of(Parameter weight)
        {
            var slot = new Slot(weight, zeros_like(weight).requires_grad_(false), zeros_like(weight).requires_grad_(false));
            if (weight.grad is not { is_sparse: true })
                weight.grad = slot.Mean.clone();
            return slot;
        }
    }
}
