using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;
using RecoServe.Engine.Traffic;

namespace RecoServe.Engine;

/// <summary>
/// Answers requests with the models of the registry. The way of a slate: (1) lease a version, (2) turn ids into indexes,
/// (3) compute the logits in a batch with other requests, (4) mask what may not be shown, (5) draw from the nucleus. Under
/// pressure something may be left out instead of the answer (<see cref="DegradationOptions"/>).
/// </summary>
public sealed class Recommender(ModelRegistry registry, DegradationOptions degradation, TimeProvider clock, TrafficWatch? watch = null) : IDisposable
{
    /// <summary>Items of a catalogue over which a draw takes a good part of a millisecond, and megabytes.</summary>
    private const int LongRow = 1 << 17;

    /// <summary>Draws over long rows: more at a time than there are processors would all take longer, each with memory of its own.</summary>
    private readonly SemaphoreSlim _longDraws = new(Environment.ProcessorCount);

    /// <summary>When to ask again, as whatever is asked now is refused, of whichever model: every queue is full. Null if that is not so.</summary>
    public TimeSpan? FullFor => degradation.Popularity ? null : registry.FullFor;

    /// <summary>Draws one slate.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">The caller's: ends the wait and takes the row out of the queue.</param>
    /// <exception cref="ModelNotFoundException">No such model, version or label.</exception>
    /// <exception cref="ModelUnavailableException">The version is still being loaded.</exception>
    /// <exception cref="InvalidRequestException">A context key or an attribute is not the model's.</exception>
    /// <exception cref="OverloadedException">Too many requests wait.</exception>
    /// <exception cref="DeadlineExceededException">The deadline passed in the queue, or cannot be met.</exception>
    /// <exception cref="ModelRunException">The model failed.</exception>
    /// <exception cref="InvalidLogitsException">The model gave NaN or +∞.</exception>
    public async Task<Slate> RecommendAsync(SlateRequest request, CancellationToken cancellationToken)
    {
        var arrived = clock.GetTimestamp();

        // :: 1 :: The lease keeps the version alive until the answer has been copied out of its memory.
        using var asked = registry.Acquire(request.Model, request.TrafficKey);
        var pressure = degradation.HasSteps ? asked.Batcher.PressureOn(request.Deadline) : 0;
        using var smaller = pressure >= degradation.HighPressure ? TryAcquireSmaller(asked, request) : null;
        var lease = smaller ?? asked;
        try
        {
            try
            {
                if (smaller is not null)
                    return await AnswerAsync(smaller, Query.Known(smaller.Package, request), arrived, Degradation.Model, cancellationToken);
            }
            catch (Exception e) when (IsRefused(e, request))
            {
                lease = asked; // which may have room, or time, still
            }

            var slate = await AnswerFromTopAsync(lease, request, pressure, arrived, cancellationToken);
            if (slate.Degraded != Degradation.Popularity)
                watch?.Answered(lease, request, clock.GetElapsedTime(arrived), slate.Timings.Row);
            return slate;
        }
        catch (Exception e)
        {
            Failed(lease, request, e, arrived);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _longDraws.Dispose();

    /// <summary>Answers, under pressure from fewer items.</summary>
    private Task<Slate> AnswerFromTopAsync(ModelLease lease, SlateRequest request, double pressure, long arrived, CancellationToken cancellationToken)
    {
        if (pressure < degradation.Pressure || degradation.TopK == 0 || request.Sampling.TopK is > 0 and var k && k <= degradation.TopK)
            return AnswerAsync(lease, request, arrived, Degradation.None, cancellationToken);
        request = request with { Sampling = request.Sampling with { TopK = degradation.TopK } };
        return AnswerAsync(lease, request, arrived, Degradation.TopK, cancellationToken);
    }

    /// <summary>Scores given items; the catalogue is only scored whole if log probabilities are wanted.</summary>
    /// <inheritdoc cref="RecommendAsync"/>
    public async Task<Scores> ScoreAsync(ScoreRequest request, CancellationToken cancellationToken)
    {
        var arrived = clock.GetTimestamp();
        using var lease = registry.Acquire(request.Model, request.TrafficKey);
        try
        {
            var scores = await ScoreAsync(lease, request, cancellationToken);
            var elapsed = clock.GetElapsedTime(arrived);
            lease.Version.Metrics.Request(elapsed, Degradation.None);
            watch?.Computed(lease, request.Model, elapsed, scores.Timings.Row, [], []);
            return scores;
        }
        catch (Exception e)
        {
            Failed(lease, request, e, arrived);
            throw;
        }
    }

    private async Task<Scores> ScoreAsync(ModelLease lease, ScoreRequest request, CancellationToken cancellationToken)
    {
        var unknown = new SortedSet<string>(StringComparer.Ordinal);
        var query = Query.Encode(lease.Package, request, unknown);
        var candidates = Query.Indexes(lease.Package.Catalogue, request.CandidateIds, unknown).ToArray();
        using var row = await lease.Batcher.RunAsync(new RowRequest<EncoderInput>(query.Input, request.Normalise, request.Deadline, request.Priority), cancellationToken);
        ThrowIfLate(lease, request);
        var start = clock.GetTimestamp();
        var items = ScoreItems(lease, row, candidates, request.Normalise);
        return new Scores(IdentityOf(lease), items, unknown, new AnswerTimings(row.Timings, clock.GetElapsedTime(start)));
    }

    private async Task<Slate> AnswerAsync(
        ModelLease lease, SlateRequest request, long arrived, Degradation degraded, CancellationToken cancellationToken)
    {
        // :: 2 :: Everything that can be wrong with the request is found before it takes a place in the queue.
        var unknown = new SortedSet<string>(StringComparer.Ordinal);
        var query = Query.Encode(lease.Package, request, unknown);
        using var mask = ItemFilter.Build(lease.Package.Catalogue, request, query.Watched, unknown);

        // :: 3 ::
        RowResult<BatchOutput>? row = null;
        try
        {
            row = await lease.Batcher.RunAsync(new RowRequest<EncoderInput>(query.Input, WantsLogits: true, request.Deadline, request.Priority), cancellationToken);
        }
        catch (Exception e) when (degradation.Popularity && degraded != Degradation.Model && IsRefused(e, request))
        {
            watch?.Failed(lease, request.Model, e, isLate: false);
            degraded = Degradation.Popularity;
        }

        // :: 4, 5 ::
        using (row)
        {
            var slots = new SlateSlot[Math.Min(request.SlateSize, lease.Package.Catalogue.Count)];
            var (nucleus, elapsed) = await DrawInTurnAsync(lease, request, row, mask, slots, cancellationToken);
            lease.Version.Metrics.Sample(elapsed, nucleus.NucleusSize);
            lease.Version.Metrics.Request(clock.GetElapsedTime(arrived), degraded);
            var items = Name(lease, slots.AsSpan(0, nucleus.Count));
            return new Slate(IdentityOf(lease), items, nucleus, unknown, new AnswerTimings(row?.Timings ?? default, elapsed), degraded);
        }
    }

    private void Failed(ModelLease lease, ModelRequest request, Exception exception, long arrived)
    {
        var isLate = clock.GetUtcNow() >= request.Deadline;
        watch?.Failed(lease, request.Model, exception, isLate);
        lease.Version.Metrics.Failed(exception, isLate, clock.GetElapsedTime(arrived));
    }

    /// <summary>An answer that comes after its deadline is worth nothing: the machine has others to finish.</summary>
    private void ThrowIfLate(ModelLease lease, ModelRequest request)
    {
        if (clock.GetUtcNow() < request.Deadline)
            return;
        lease.Version.Metrics.Shed(ShedReason.Late);
        throw new DeadlineExceededException(lease.Version.Metrics.Name, "the deadline passed while the request was computed by");
    }

    /// <summary>Whether the queue did not take a request, or not long enough, and there is time left for another answer.</summary>
    private bool IsRefused(Exception exception, SlateRequest request) =>
        exception is OverloadedException or DeadlineExceededException && clock.GetUtcNow() < request.Deadline;

    /// <summary>A lease on the smaller model, if it is another and can answer.</summary>
    private ModelLease? TryAcquireSmaller(ModelLease lease, SlateRequest request)
    {
        if (degradation.Model.Length == 0 || degradation.Model == lease.Version.Name || !request.Model.IsOpen)
            return null;
        var smaller = registry.TryAcquire(degradation.Model);
        if (smaller?.Loaded is LoadedModel { Package.Catalogue.Attributes: var attributes } && request.Where.All(c => attributes.ContainsKey(c.Attribute)))
            return smaller;
        smaller?.Dispose();
        return null;
    }

    private async ValueTask<(SlateSummary Nucleus, TimeSpan Elapsed)> DrawInTurnAsync(
        ModelLease lease, SlateRequest request, RowResult<BatchOutput>? row, ItemMask mask, SlateSlot[] slots, CancellationToken cancellationToken)
    {
        var isLong = lease.Package.Catalogue.Count >= LongRow;
        if (isLong)
            await _longDraws.WaitAsync(cancellationToken);
        try
        {
            ThrowIfLate(lease, request);
            var start = clock.GetTimestamp();
            var nucleus = Draw(lease, row is null ? lease.LogitsOfNobody : row.Logits, mask, request.Sampling, slots);
            return (nucleus, clock.GetElapsedTime(start));
        }
        finally
        {
            if (isLong)
                _longDraws.Release();
        }
    }

    private static SlateSummary Draw(ModelLease lease, ReadOnlySpan<float> logits, ItemMask mask, in SamplingParameters sampling, Span<SlateSlot> slots)
    {
        try
        {
            return NucleusSampler.Sample(logits, mask, sampling, slots);
        }
        catch (InvalidLogitsException)
        {
            lease.Version.Metrics.InvalidLogits();
            throw;
        }
    }

    private static ComputedBy IdentityOf(ModelLease lease) => new(lease.Version.Name, lease.Version.Version, lease.Label);

    private static SlateItem[] Name(ModelLease lease, ReadOnlySpan<SlateSlot> slots)
    {
        var items = new SlateItem[slots.Length];
        for (var i = 0; i < slots.Length; i++)
            items[i] = new SlateItem(lease.Package.Catalogue.IdOf(slots[i].Item), lease.Package.Catalogue.TitleOf(slots[i].Item), slots[i]);
        return items;
    }

    private static ItemScore[] ScoreItems(ModelLease lease, RowResult<BatchOutput> row, int[] candidates, bool normalise)
    {
        double? normaliser = normalise ? NucleusSampler.LogSumExp(row.Logits) : null;
        var items = new ItemScore[candidates.Length];
        for (var i = 0; i < candidates.Length; i++)
        {
            var logit = normalise ? row.Logits[candidates[i]] : lease.Matrix.Logit(row.State, candidates[i]);
            if (float.IsNaN(logit) || float.IsPositiveInfinity(logit)) // −∞ is an item that is never shown
            {
                lease.Version.Metrics.InvalidLogits();
                throw new InvalidLogitsException(candidates[i], logit);
            }

            items[i] = new ItemScore(lease.Package.Catalogue.IdOf(candidates[i]), logit, logit - normaliser);
        }

        return items;
    }
}
