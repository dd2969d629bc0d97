using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;

namespace RecoServe.Trainer.Training;

/// <summary>
/// The whole of training: epochs of batches, a validation after each, the best weights kept, an end when nothing improves.
/// Every number is a function of the log, the options and the thread count; stopping and resuming anywhere changes no bit.
/// </summary>
/// <param name="set">What is learned from.</param>
/// <param name="network">Learns in place; holds the best weights in the end.</param>
/// <param name="options">The settings.</param>
/// <param name="run">Where checkpoints and metrics go.</param>
/// <param name="validate">Ranks the validation targets.</param>
/// <param name="progress">Hears of every batch and epoch.</param>
/// <param name="time">The clock of the time budget.</param>
internal sealed class TrainingLoop(
    TrainingSet set,
    NextWatchNetwork network,
    FitOptions options,
    RunFolder run,
    Func<IItemScorer, ValidationScore> validate,
    IFitProgress progress,
    TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();
    private readonly StepSize _size = new(options, (set.BatchesOf(options.BatchSize) + options.Accumulate - 1) / options.Accumulate);

    /// <summary>Trains from the start, or from the run's checkpoint if it has one, until one of the stop reasons.</summary>
    /// <param name="cancellationToken">Stops after the batch that is being learned.</param>
    /// <exception cref="NotFiniteNumberException">A loss, or a score of the validation, is not finite.</exception>
    public FitResult Run(CancellationToken cancellationToken)
    {
        using var learner = new Learner(network, options, set);
        var state = run.Checkpoint.CanResume ? run.Checkpoint.RestoreLast(network, learner.State) : new FitState();
        learner.Optimiser.Steps = state.Steps;
        run.CutMetrics(state.Epoch);
        run.Checkpoint.DropEnd();
        StopReason? stop;
        while ((stop = StopOf(state, cancellationToken)) is null)
        {
            var steps = set.Epoch(options.Seed, state.Epoch, options.BatchSize, options.Accumulate).Chunk(options.Accumulate).ToArray();
            while (state.EpochSteps < steps.Length && StopOf(state, cancellationToken) is null)
            {
                var start = time.GetTimestamp();
                learner.Optimiser.Rate = _size.After(state.Steps, state.Halvings);
                var step = learner.Learn([.. steps[state.EpochSteps].Select(set.Batch)]);
                RequireFinite(step.Loss, state);
                state = state.Learned(step, time.GetElapsedTime(start).TotalSeconds);
                progress.Learned(state, steps.Length);
            }

            if (state.EpochSteps == steps.Length)
                state = EndEpoch(learner, state);
            run.Checkpoint.SaveLast(network, learner.State, state);
        }

        return Finish(learner, stop.Value, state);
    }

    private FitState EndEpoch(Learner learner, FitState state)
    {
        var rate = _size.After(state.Steps - 1, state.Halvings);
        var (score, propensity) = ((ValidationScore?)null, (double?)null);
        if (IsValidated(state.Epoch))
        {
            propensity = learner.PropensityLossOf(set.HeldOut(options.BatchSize));
            learner.Show(() =>
            {
                score = Validate();
                state = state.Validated(score, options.HalveAfter);
                if (state.BestEpoch == state.Epoch)
                    run.Checkpoint.SaveBest(network, state);
            });
        }

        var report = new EpochReport(state.Epoch, state.Sums, score, score is not null && state.BestEpoch == state.Epoch, rate, propensity);
        run.AppendMetrics(report);
        progress.Ended(report);
        return state.NextEpoch();
    }

    private StopReason? StopOf(FitState state, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? StopReason.Interrupted
        : state.Epoch > options.MaxEpochs ? StopReason.MaxEpochs
        : state.Stale >= options.Patience ? StopReason.NoImprovement
        : time.GetElapsedTime(_start).TotalMinutes >= options.TimeBudget ? StopReason.TimeBudget
        : null;

    /// <summary>Brings the best weights back: the last ones, if they were not validated yet and are better.</summary>
    private FitResult Finish(Learner learner, StopReason reason, FitState state)
    {
        var epoch = state.EpochSteps > 0 ? state.Epoch : state.Epoch - 1;
        if (reason != StopReason.Interrupted && (state.EpochSteps > 0 || !IsValidated(epoch)))
        {
            learner.Show(() =>
            {
                if (Validate() is var score && score.Ndcg > state.Best.Ndcg)
                    run.Checkpoint.SaveEnd(network, state with { BestEpoch = epoch, Best = score });
            });
        }

        if (!run.Checkpoint.HasBest)
            return new FitResult(reason, 0, state.Best);
        var best = run.Checkpoint.RestoreBest(network);
        return new FitResult(reason, best.BestEpoch, best.Best);
    }

    private bool IsValidated(int epoch) => epoch > 0 && epoch % options.EvaluateEvery == 0;

    private ValidationScore Validate() => validate(new NetworkScorer(network, options.MaxHistory));

    private static void RequireFinite(double loss, FitState state)
    {
        if (!double.IsFinite(loss))
        {
            throw new NotFiniteNumberException(
                $"epoch {state.Epoch}, step {state.EpochSteps + 1}: the loss is {loss}; lower --learning-rate or --clip-norm");
        }
    }
}
