namespace RecoServe.Benchmarks.Sampling;

/// <summary>A nucleus in double precision. Since it is a prefix of the ranking, its size says which items it has.</summary>
/// <param name="Size">Its items.</param>
/// <param name="Mass">Their probability in the whole row.</param>
internal readonly record struct ExactNucleus(int Size, double Mass);
