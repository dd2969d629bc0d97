namespace RecoServe.Trainer.Evaluation;

/// <summary>One list of items a question.</summary>
/// <param name="questions">Number of questions.</param>
/// <param name="length">Slots of a list, 1 or more.</param>
internal sealed class RecommendedLists(int questions, int length)
{
    private readonly int[] _items = new int[questions * length];

    /// <summary>Number of lists.</summary>
    public int Count { get; } = questions;

    /// <summary>Slots of a list.</summary>
    public int Length { get; } = length;

    /// <summary>All slots of a list, 0 where it is shorter: to be filled.</summary>
    public Span<int> SlotsOf(int question) => _items.AsSpan(question * Length, Length);

    /// <summary>The items of a list, best first.</summary>
    public ReadOnlySpan<int> Of(int question) => SlotsOf(question) is var slots && slots.IndexOf(0) is >= 0 and var end ? slots[..end] : slots;
}
