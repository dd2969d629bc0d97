using RecoServe.Engine.Sampling;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>A row, or what is asked of it, that is made to be slow.</summary>
/// <param name="Name">What is hard about it.</param>
/// <param name="Row">The kind of the rows, of <see cref="LogitRows"/>.</param>
/// <param name="Parameters">What is asked for.</param>
/// <param name="Slots">Length of the slate.</param>
public sealed record HardCase(string Name, string Row, SamplingParameters Parameters, int Slots = 10)
{
    private static readonly SamplingParameters Defaults = new();

    /// <summary>All of them.</summary>
    public static IEnumerable<HardCase> All =>
    [
        new("all equal", "equal", Defaults),
        new("three values", "three", Defaults),
        new("NaN at the end", "nan", Defaults),
        new("head where no sample looks", "hidden", Defaults),
        new("ascending", "ascending", Defaults),
        new("descending", "descending", Defaults),
        new("tiny nucleus of gauss1", "gauss1", Defaults with { TopP = 1e-6 }),
        new("tiny nucleus of uniform", "uniform", Defaults with { TopP = 1e-6 }),
        new("500 slots, nucleus of 3", "spiky", Defaults with { TopP = 0.5 }, Slots: 500),
        new("p = 1", "gauss1", Defaults with { TopP = 1 }),
        new("strategy full", "gauss3", Defaults with { Strategy = SamplingStrategy.Full }),
    ];

    /// <summary>Whether the answer is an exception.</summary>
    internal bool Throws => Row == "nan";

    /// <summary>The name, by which the table calls the case.</summary>
    public override string ToString() => Name;
}
