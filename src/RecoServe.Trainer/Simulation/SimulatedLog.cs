namespace RecoServe.Trainer.Simulation;

/// <summary>One watch.</summary>
/// <param name="Timestamp">Begin, Unix seconds.</param>
/// <param name="Video">Index of the video.</param>
/// <param name="Device">The session's device.</param>
/// <param name="Fraction">Fraction watched, in (0, 1].</param>
/// <param name="Seconds">Seconds watched, at least 1.</param>
/// <param name="Source">How the viewer came to it.</param>
/// <param name="Slate">The number of the slate it was chosen from, from 1 within the viewer; 0 = none.</param>
internal readonly record struct SimulatedWatch(
    long Timestamp, int Video, Device Device, double Fraction, int Seconds, WatchSource Source, int Slate);

/// <summary>One slate that was shown.</summary>
/// <param name="Timestamp">Unix seconds.</param>
/// <param name="Device">The session's device.</param>
/// <param name="Videos">Indexes of the videos by slot.</param>
/// <param name="Propensities">For each slot the probability of its choice given the earlier slots.</param>
/// <param name="Watched">Position in <paramref name="Videos"/> of what was watched; −1 = nothing.</param>
internal sealed record SimulatedSlate(long Timestamp, Device Device, int[] Videos, double[] Propensities, int Watched);

/// <summary>Everything that the log says about one viewer, in order of time. The n-th slate has the number n.</summary>
internal sealed record ViewerLog(Viewer Viewer, List<SimulatedWatch> Watches, List<SimulatedSlate> Slates);
