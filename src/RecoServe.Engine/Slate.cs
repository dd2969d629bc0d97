using RecoServe.Engine.Batching;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine;

/// <summary>Which version computed an answer.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">The version number.</param>
/// <param name="Label">The label by which it was chosen; empty if by none.</param>
public readonly record struct ComputedBy(string Model, long Version, string Label = "");

/// <summary>A drawn slate.</summary>
/// <param name="ComputedBy">The version that computed it.</param>
/// <param name="Items">In slot order.</param>
/// <param name="Nucleus">The set it was drawn from.</param>
/// <param name="UnknownItemIds">Ids of the request that the catalogue does not have, each once.</param>
/// <param name="Timings">Where the time went.</param>
/// <param name="Degraded">What was left out.</param>
public sealed record Slate(
    ComputedBy ComputedBy,
    IReadOnlyList<SlateItem> Items,
    SlateSummary Nucleus,
    IReadOnlyCollection<string> UnknownItemIds,
    AnswerTimings Timings,
    Degradation Degraded);

/// <summary>Where the time of an answer went.</summary>
/// <param name="Row">In the batch; nothing if none was run for it.</param>
/// <param name="Sample">Masking and drawing the slate, or reading the scores of the candidates.</param>
public readonly record struct AnswerTimings(RowTimings Row, TimeSpan Sample);

/// <summary>One item of a slate.</summary>
/// <param name="ItemId">Its external id.</param>
/// <param name="Title">Its title; empty if the catalogue has none.</param>
/// <param name="Slot">How it was chosen.</param>
public readonly record struct SlateItem(string ItemId, string Title, SlateSlot Slot);

/// <summary>Scores of given items.</summary>
/// <param name="ComputedBy">The version that computed them.</param>
/// <param name="Items">One for each known candidate, in the order asked.</param>
/// <param name="UnknownItemIds">Ids of the request that the catalogue does not have, each once.</param>
/// <param name="Timings">Where the time went.</param>
public sealed record Scores(
    ComputedBy ComputedBy, IReadOnlyList<ItemScore> Items, IReadOnlyCollection<string> UnknownItemIds, AnswerTimings Timings);

/// <summary>The score of one item.</summary>
/// <param name="ItemId">Its external id.</param>
/// <param name="Logit">The model's score.</param>
/// <param name="LogProbability">Log softmax over the whole catalogue; null unless asked for.</param>
public readonly record struct ItemScore(string ItemId, float Logit, double? LogProbability);
