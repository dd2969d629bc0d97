using System.Globalization;
using System.Numerics.Tensors;

namespace RecoServe.Trainer.Evaluation.OffPolicy;

/// <summary>
/// Estimates from the rounds of a logging policy what a round of another policy earns on average. All are one formula,
/// mean(m + ŵ (r − q)), in which ŵ is what the estimator makes of the weight w = π / π₀; m = Σ π q̂ and q = q̂ of the item shown, or both 0
/// where no model of the rewards is used. Self-normalised, ŵ is divided by the mean of w.
/// </summary>
internal sealed class OffPolicyEstimator
{
    private readonly Func<double, double> _weigh;
    private readonly bool _usesModel;
    private readonly bool _selfNormalises;

    private OffPolicyEstimator(string name, Func<double, double> weigh, bool usesModel, bool selfNormalises = false) =>
        (Name, _weigh, _usesModel, _selfNormalises) = (name, weigh, usesModel, selfNormalises);

    /// <summary>What reports call it.</summary>
    public string Name { get; }

    /// <summary>The logging policy's own mean reward: ŵ = 1.</summary>
    public static OffPolicyEstimator LoggingPolicy { get; } = new("logging policy", _ => 1, usesModel: false);

    /// <summary>Self-normalised inverse propensity weighting (Swaminathan and Joachims, NIPS 2015).</summary>
    public static OffPolicyEstimator Snipw { get; } = new("SNIPW", w => w, usesModel: false, selfNormalises: true);

    /// <summary>The direct method: what the model expects, whatever was observed.</summary>
    public static OffPolicyEstimator DirectMethod { get; } = new("DM", _ => 0, usesModel: true);

    /// <summary>Self-normalised doubly robust (Thomas and Brunskill, ICML 2016, call it weighted).</summary>
    public static OffPolicyEstimator Sndr { get; } = new("SNDR", w => w, usesModel: true, selfNormalises: true);

    /// <summary>Inverse propensity weighting (Horvitz and Thompson 1952): unbiased where π₀ shows all that π does. A cap lowers its variance: min(w, λ).</summary>
    /// <param name="cap">λ, above 0.</param>
    public static OffPolicyEstimator Ipw(double cap = double.PositiveInfinity) => new(With("IPW", "capped at ", cap), w => Math.Min(w, cap), usesModel: false);

    /// <summary>Doubly robust (Dudík, Langford and Li, ICML 2011): unbiased with true propensities, and with little variance where the model is good.</summary>
    /// <param name="cap">As of <see cref="Ipw"/>.</param>
    public static OffPolicyEstimator Dr(double cap = double.PositiveInfinity) => new(With("DR", "capped at ", cap), w => Math.Min(w, cap), usesModel: true);

    /// <summary>Switch-DR (Wang, Agarwal and Dudík, ICML 2017): the model alone where the weight is above a threshold.</summary>
    /// <param name="threshold">λ, 0 or more.</param>
    public static OffPolicyEstimator SwitchDr(double threshold) => new(With("Switch-DR", "at ", threshold), w => w <= threshold ? w : 0, usesModel: true);

    /// <summary>Doubly robust with optimistic shrinkage, ŵ = λ w / (w² + λ) (Su, Dimakopoulou, Krishnamurthy and Dudík, ICML 2020).</summary>
    /// <param name="shrinkage">λ, above 0: the higher, the closer to <see cref="Dr"/>.</param>
    public static OffPolicyEstimator OptimisticDr(double shrinkage) => new(With("DRos", "at ", shrinkage), w => shrinkage * w / ((w * w) + shrinkage), usesModel: true);

    /// <summary>Sub-Gaussian inverse propensity weighting, ŵ = w / (1 − λ + λ w) (Metelli, Russo and Restelli, NeurIPS 2021).</summary>
    /// <param name="correction">λ in [0, 1]: 0 is <see cref="Ipw"/>, 1 gives all weights 1.</param>
    public static OffPolicyEstimator SubGaussianIpw(double correction) => new(With("SG-IPW", "at ", correction), w => w / (1 - correction + (correction * w)), usesModel: false);

    /// <summary>The doubly robust form of <see cref="SubGaussianIpw"/>.</summary>
    /// <param name="correction">As there.</param>
    public static OffPolicyEstimator SubGaussianDr(double correction) => new(With("SG-DR", "at ", correction), w => w / (1 - correction + (correction * w)), usesModel: true);

    /// <summary>The estimate.</summary>
    /// <param name="rounds">At least one.</param>
    public double Estimate(IReadOnlyList<LoggedRound> rounds) => Combine([.. TermsOf(rounds).Select(Mean)]);

    /// <summary>The estimate with its 95 % interval.</summary>
    /// <param name="rounds">At least one.</param>
    /// <param name="bootstrap">Draws users, each with all rounds; a self-normalised estimator is normalised anew in every draw. Null: no interval.</param>
    public OffPolicyEstimate Estimate(IReadOnlyList<LoggedRound> rounds, Bootstrap? bootstrap)
    {
        var terms = TermsOf(rounds);
        var (low, high) = (double.NaN, double.NaN);
        if (bootstrap?.Means(terms) is { } draws)
            (low, high) = Bootstrap.Interval([.. Enumerable.Range(0, draws[0].Length).Select(draw => Combine([.. draws.Select(d => d[draw])]))]);
        return new OffPolicyEstimate(Name, Combine([.. terms.Select(Mean)]), low, high);
    }

    /// <summary>What each round gives to the mean, of an estimator that is not self-normalised.</summary>
    internal double[] ValuesOf(IReadOnlyList<LoggedRound> rounds) => [.. rounds.Select(r => Model(r) + (_weigh(r.Weight) * Residual(r)))];

    /// <summary>What of each round is lost to ŵ: (w − ŵ)(r − q), the mean of which is minus the bias.</summary>
    internal double[] LossesOf(IReadOnlyList<LoggedRound> rounds) => [.. rounds.Select(r => (r.Weight - _weigh(r.Weight)) * Residual(r))];

    private static string With(string name, string word, double parameter) =>
        double.IsPositiveInfinity(parameter) ? name : string.Create(CultureInfo.InvariantCulture, $"{name} {word}{parameter}");

    private static double Mean(double[] values) => TensorPrimitives.Sum<double>(values) / values.Length;

    /// <summary>The means of which the estimate is made: m + ŵ (r − q); or m, ŵ (r − q) and w.</summary>
    private double[][] TermsOf(IReadOnlyList<LoggedRound> rounds) => _selfNormalises
        ? [[.. rounds.Select(Model)], [.. rounds.Select(r => _weigh(r.Weight) * Residual(r))], [.. rounds.Select(r => r.Weight)]]
        : [ValuesOf(rounds)];

    private static double Combine(double[] means) => means is [var model, var rest, var weight] ? model + (rest / weight) : means[0];

    private double Model(LoggedRound round) => _usesModel ? round.PolicyModel : 0;

    private double Residual(LoggedRound round) => _usesModel ? round.Reward - round.ShownModel : round.Reward;
}
