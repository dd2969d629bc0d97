using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Traffic;

namespace RecoServe.Engine;

/// <summary>Tensors to be computed by a model.</summary>
/// <param name="Model">Model and version.</param>
/// <param name="Inputs">Every input of the model.</param>
/// <param name="Outputs">Names of the wanted outputs; empty: all.</param>
/// <param name="Deadline">When the answer is worth nothing any more; <see cref="DateTimeOffset.MaxValue"/> if never.</param>
/// <param name="Priority">Its place among others.</param>
/// <param name="TrafficKey">The same key gets the same version while a canary has a share.</param>
/// <param name="TakeMemory">
/// Takes so many more bytes for the outputs, before they are allocated and if possible before anything is computed; throws, as
/// <see cref="AnswerMemoryException"/>, if there are none. Null: there always are.
/// </param>
public sealed record InferRequest(
    ModelSelector Model, IReadOnlyList<TensorData> Inputs, IReadOnlyList<string> Outputs, DateTimeOffset Deadline,
    RequestPriority Priority = RequestPriority.Normal, string TrafficKey = "", Action<long>? TakeMemory = null);

/// <summary>Computed tensors.</summary>
/// <param name="ComputedBy">The version that computed them.</param>
/// <param name="Outputs">In the order asked for.</param>
/// <param name="Timings">Where the time went of the row that took longest.</param>
public sealed record InferResult(ComputedBy ComputedBy, IReadOnlyList<TensorData> Outputs, RowTimings Timings);

/// <summary>
/// Computes tensors with any model of the registry. Rows are batched with those of other requests; a request of more rows than a
/// run can have is computed in several.
/// </summary>
public sealed class TensorInference(ModelRegistry registry, TimeProvider clock, TrafficWatch? watch = null)
{
    /// <summary>Computes outputs.</summary>
    /// <exception cref="ModelNotFoundException">No such model or version.</exception>
    /// <exception cref="ModelUnavailableException">The version is still being loaded.</exception>
    /// <exception cref="InvalidRequestException">Names the tensor that is not as the model reads it; or the outputs would be larger than an answer can be.</exception>
    /// <exception cref="AnswerMemoryException">There is no memory for the outputs.</exception>
    /// <exception cref="OverloadedException">Too many rows wait.</exception>
    /// <exception cref="DeadlineExceededException">The deadline passed, or cannot be met.</exception>
    /// <exception cref="ModelRunException">The model failed.</exception>
    public async Task<InferResult> InferAsync(InferRequest request, CancellationToken cancellationToken)
    {
        var arrived = clock.GetTimestamp();
        using var lease = registry.Acquire(request.Model, request.TrafficKey);
        var tensors = new TensorRequest(lease.Loaded.Signature, request.Inputs, request.Outputs);
        var response = new TensorResponse(tensors, request.TakeMemory);
        var metrics = lease.Version.Metrics;
        RowTimings timings;
        try
        {
            timings = await ComputeAsync(lease, tensors, response, request, cancellationToken);
            if (clock.GetUtcNow() >= request.Deadline)
            {
                metrics.Shed(ShedReason.Late);
                throw new DeadlineExceededException(metrics.Name, "the deadline passed while the request was computed by");
            }
        }
        catch (Exception e)
        {
            var isLate = clock.GetUtcNow() >= request.Deadline;
            watch?.Failed(lease, request.Model, e, isLate);
            metrics.Failed(e, isLate, clock.GetElapsedTime(arrived));
            throw;
        }

        var (outputs, elapsed) = (response.Tensors, clock.GetElapsedTime(arrived));
        metrics.Request(elapsed, Degradation.None);
        watch?.Computed(lease, request.Model, elapsed, timings, request.Inputs, outputs);
        return new InferResult(new ComputedBy(lease.Version.Name, lease.Version.Version, lease.Label), outputs, timings);
    }

    /// <summary>
    /// No more rows at a time than keep the runners busy, and than the queue may hold: a large request must not fill it, nor be refused
    /// for its own rows. If one fails, the others are not worth computing.
    /// </summary>
    private static async Task<RowTimings> ComputeAsync(
        ModelLease lease, TensorRequest tensors, TensorResponse response, InferRequest request, CancellationToken cancellationToken)
    {
        var busy = 2 * Math.Max(1, tensors.Signature.MaxBatchSize) * tensors.Signature.Instances;
        var atOnce = Math.Min(busy, lease.Loaded.MostWaiting(tensors.Bytes));
        if (tensors.Rows == 1)
            return await InferAsync(0, cancellationToken);
        var (slowest, gate) = (default(RowTimings), new Lock());
        await Parallel.ForEachAsync(
            Enumerable.Range(0, tensors.Rows), new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = cancellationToken },
            async (row, token) =>
            {
                try
                {
                    var timings = await InferAsync(row, token);
                    lock (gate)
                        slowest = timings.Queue + timings.Batch >= slowest.Queue + slowest.Batch ? timings : slowest;
                }
                catch
                {
                    tensors.ShedOnce.TryTake(); // the others are cancelled for this one, and by no caller
                    throw;
                }
            });
        return slowest;

        Task<RowTimings> InferAsync(int row, CancellationToken token) =>
            lease.Loaded.InferAsync(new TensorRow(tensors, row), response, request.Deadline, request.Priority, token);
    }
}
