namespace RecoServe.Engine.Traffic;

/// <summary>How the answers of a version compare with those of the version that answers.</summary>
/// <param name="Compared">Requests that were compared.</param>
/// <param name="Dropped">Copies that were dropped because the server was busy.</param>
/// <param name="Failed">Copies that could not be computed.</param>
/// <param name="Overlap">Mean share of items that both name, over the last 1,000; 0 if there was none.</param>
/// <param name="RankCorrelation">Mean rank correlation.</param>
/// <param name="ScoreDrift">Mean difference of log-probabilities.</param>
/// <param name="Personal">The median of how much of what the answering version makes of a user it makes too: about 1 if both learned the same, 0 if it knows no user; null if no two requests differed.</param>
public readonly record struct ShadowSummary(long Compared, long Dropped, long Failed, double Overlap, double RankCorrelation, double ScoreDrift, double? Personal);
