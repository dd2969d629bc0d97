using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using Grpc.Core;

namespace RecoServe.Server.Services;

/// <summary>
/// Many questions over one call: each is answered as soon as it can be, errors in band, in whatever order. What is in flight is
/// bounded: a caller that does not read its answers is not asked for more questions, and after a large question not before all
/// have been answered.
/// </summary>
internal static class QuestionStream
{
    /// <summary>Questions of a call that are being answered, or whose answer has not been sent.</summary>
    internal const int MaxInFlight = 64;

    /// <summary>Answers until the caller has no more questions, or they are not read any more; then sends what is still in flight.</summary>
    /// <param name="questions">Read one by one, until <see cref="ServerStoppingException"/>.</param>
    /// <param name="answers">Written one by one.</param>
    /// <param name="answer">Never throws but when the call is cancelled.</param>
    /// <param name="claimMemory">Gives what holds the memory of the question that was read last, if it is large; it is given back with the answer.</param>
    /// <param name="cancellationToken">The call's.</param>
    /// <exception cref="ServerStoppingException">The server stops: further questions were not read.</exception>
    internal static async Task AnswerAsync<TQuestion, TAnswer>(
        IAsyncStreamReader<TQuestion> questions, IAsyncStreamWriter<TAnswer> answers, Func<TQuestion, Task<TAnswer>> answer,
        Func<IDisposable?> claimMemory, CancellationToken cancellationToken)
    {
        var ready = Channel.CreateBounded<Task<TAnswer>>(MaxInFlight);
        using var room = new SemaphoreSlim(MaxInFlight);
        var writing = WriteAsync(ready.Reader, answers, room, cancellationToken);
        try
        {
            while (await NextAsync(questions, room, cancellationToken))
            {
                var memory = claimMemory();
                _ = answer(questions.Current).ContinueWith(
                    done =>
                    {
                        memory?.Dispose();
                        return ready.Writer.TryWrite(done);
                    }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                if (memory is not null)
                {
                    await AllSentAsync(room);
                    room.Release(MaxInFlight);
                }
            }
        }
        finally
        {
            // The call is over when nothing is in flight: answers need it, even if nobody will read them.
            await AllSentAsync(room);
            ready.Writer.Complete();
            await writing;
        }
    }

    /// <summary>Takes all places; answers that cannot be sent give theirs back too.</summary>
    private static async Task AllSentAsync(SemaphoreSlim room)
    {
        for (var places = 0; places < MaxInFlight; places++)
            await room.WaitAsync(CancellationToken.None);
    }

    /// <summary>Takes the place of a question first: what has no place is not read.</summary>
    private static async Task<bool> NextAsync<TQuestion>(IAsyncStreamReader<TQuestion> questions, SemaphoreSlim room, CancellationToken cancellationToken)
    {
        await room.WaitAsync(cancellationToken);
        var next = false;
        try
        {
            return next = await questions.MoveNext(cancellationToken);
        }
        finally
        {
            if (!next)
                room.Release();
        }
    }

    private static async Task WriteAsync<TAnswer>(
        ChannelReader<Task<TAnswer>> ready, IAsyncStreamWriter<TAnswer> answers, SemaphoreSlim room, CancellationToken cancellationToken)
    {
        Exception? failure = null; // whatever it is, every place must become free again
        await foreach (var answer in ready.ReadAllAsync(CancellationToken.None))
        {
            try
            {
                await answers.WriteAsync(await answer, cancellationToken);
            }
            catch (Exception e)
            {
                failure ??= e;
            }
            finally
            {
                room.Release();
            }
        }

        // If the caller is gone, reading questions tells.
        if (failure is not null && !cancellationToken.IsCancellationRequested)
            ExceptionDispatchInfo.Throw(failure);
    }
}
