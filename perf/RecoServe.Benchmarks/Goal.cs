namespace RecoServe.Benchmarks;

/// <summary>A number that is to be reached.</summary>
/// <param name="Row">What it is a number of.</param>
/// <param name="Value">What was measured.</param>
/// <param name="Gate">What it must at least reach.</param>
/// <param name="Aim">What it should reach.</param>
/// <param name="Least">Whether the gate is the least that is allowed, not the most.</param>
internal sealed record Goal(string Row, double Value, double Gate, double Aim, bool Least)
{
    /// <summary>Whether the gate is reached.</summary>
    internal bool Holds => Reaches(Gate);

    /// <summary>Whether the aim is reached.</summary>
    internal bool IsAimReached => Reaches(Aim);

    private bool Reaches(double goal) => Least ? Value >= goal : Value <= goal;
}
