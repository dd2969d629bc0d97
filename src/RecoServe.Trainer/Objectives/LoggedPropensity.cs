using RecoServe.Trainer.Training;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Objectives;

/// <summary>The propensities that the log has: the truth, if the logging policy wrote them.</summary>
internal sealed class LoggedPropensity : IPropensity
{
    /// <inheritdoc/>
    public Tensor LogOf(Batch batch, Tensor states) => batch.Propensities().log_();
}
