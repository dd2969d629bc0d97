using RecoServe.Contracts.V1;
using RecoServe.LoadTest.Targets;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>
/// Which of the two versions of <see cref="Models.Twins"/> may answer, and whether it did: the version that an answer names must
/// be the one whose logits it has, and, if no swap was under way from the call to the answer, the one that serves.
/// </summary>
internal sealed class VersionCheck
{
    /// <summary>Twice the number of swaps that were completed, and 1 more while both versions may answer.</summary>
    private long _phase;

    private long _wrong;

    /// <summary>What is true when a call is made; its answer is checked against it.</summary>
    internal long Phase => Interlocked.Read(ref _phase);

    /// <summary>Swaps that were completed.</summary>
    internal long Swaps => Phase / 2;

    /// <summary>The version that serves between swaps; a server starts with the newest.</summary>
    internal long Serving => ServingIn(Phase);

    /// <summary>The version that is to serve next.</summary>
    internal long Next => 3 - Serving;

    /// <summary>Answers of another version than they say, or of one that did not serve.</summary>
    internal long WrongAnswers => Interlocked.Read(ref _wrong);

    /// <summary>The next version is about to be loaded.</summary>
    internal void BeginSwap() => Interlocked.Increment(ref _phase);

    /// <summary>The former one has been unloaded.</summary>
    internal void EndSwap() => Interlocked.Increment(ref _phase);

    /// <summary>Counts an answer if it is wrong.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="before"><see cref="Phase"/> when the call was made.</param>
    internal void Check(RecommendResponse answer, long before)
    {
        var computedBy = answer.Items[0].Logit > Models.TwinShift / 2 ? 2 : 1;
        var isCalm = before % 2 == 0 && before == Phase;
        if (answer.ModelVersion != computedBy || (isCalm && answer.ModelVersion != ServingIn(before)))
            Interlocked.Increment(ref _wrong);
    }

    private static long ServingIn(long phase) => phase / 2 % 2 == 0 ? 2 : 1;
}
