namespace RecoServe.Goals;

/// <summary>A number that is to be reached.</summary>
/// <param name="Row">What it is a number of.</param>
/// <param name="Value">What was measured; null: nothing, and then <see cref="Why"/> says why, and it does not hold.</param>
/// <param name="Gate">What it must at least reach.</param>
/// <param name="Aim">What it should reach; null: the gate.</param>
/// <param name="Least">Whether the gate is the least that is allowed, not the most.</param>
internal sealed record Goal(string Row, double? Value, double Gate, double? Aim, bool Least)
{
    /// <summary>Why there is no value.</summary>
    internal string? Why { get; init; }

    /// <summary>Whether the gate is reached.</summary>
    internal bool Holds => Reaches(Gate);

    /// <summary>Whether the aim is reached.</summary>
    internal bool IsAimReached => Reaches(Aim ?? Gate);

    private bool Reaches(double goal) => Value is { } value && (Least ? value >= goal : value <= goal);
}
