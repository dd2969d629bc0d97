namespace RecoServe.Trainer.Training;

/// <summary>The optimiser's step size over a training: it rises in the warm-up, and then falls by plan or by need.</summary>
/// <param name="options">Height, warm-up and decay.</param>
/// <param name="stepsAnEpoch">Steps of an epoch.</param>
internal sealed class StepSize(FitOptions options, int stepsAnEpoch)
{
    private readonly double _planned = (double)options.DecayEpochs * stepsAnEpoch;

    /// <summary>The size of the step after so many steps and halvings.</summary>
    public double After(long steps, int halvings) => HeightAfter(steps, halvings) * Math.Min(1, (steps + 1d) / options.WarmupSteps);

    /// <summary>The same but for the warm-up.</summary>
    private double HeightAfter(long steps, int halvings) => options.LearningRate * options.Decay switch
    {
        DecayKind.None => Math.Pow(0.5, halvings),
        DecayKind.Linear => 1 - Progress(steps),
        _ => 0.5 * (1 + Math.Cos(Math.PI * Progress(steps))),
    };

    /// <summary>0 until the warm-up has ended, 1 when the plan has.</summary>
    private double Progress(long steps) => steps >= _planned ? 1
        : steps <= options.WarmupSteps ? 0
        : (steps - options.WarmupSteps) / (_planned - options.WarmupSteps);
}
