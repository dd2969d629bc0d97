using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Training;

/// <summary>Where a <see cref="Window"/> is in a log.</summary>
/// <param name="User">The user.</param>
/// <param name="Start">The user's first event in it.</param>
/// <param name="End">The one after the last.</param>
internal readonly record struct WindowPlace(int User, int Start, int End)
{
    /// <summary>Number of events.</summary>
    public int Length => End - Start;

    /// <summary>Of what is learned of the user, that which is learned in the window: of one that does not begin a history, nothing before its first event.</summary>
    public FeedbackRows RowsOf(FeedbackRows feedback) => feedback.Between(Start == 0 ? 0 : Start + 1, End);
}
