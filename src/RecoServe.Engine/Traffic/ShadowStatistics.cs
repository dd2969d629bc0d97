namespace RecoServe.Engine.Traffic;

/// <summary>How the answers of a version compare with those of the version that answers: counts, and means over the last ones.</summary>
internal sealed class ShadowStatistics
{
    private const int Kept = 1000;

    private readonly Lock _lock = new();
    private readonly Queue<SlateComparison> _last = new(Kept);
    private long _compared;
    private long _dropped;
    private long _failed;

    internal void Compared(in SlateComparison comparison)
    {
        lock (_lock)
        {
            _compared++;
            if (_last.Count == Kept)
                _last.Dequeue();
            _last.Enqueue(comparison);
        }
    }

    internal void Dropped() => Interlocked.Increment(ref _dropped);

    internal void Failed() => Interlocked.Increment(ref _failed);

    internal ShadowSummary Summarise()
    {
        lock (_lock)
        {
            var last = _last.DefaultIfEmpty(new SlateComparison(0, 0, 0)).ToArray();
            double[] personal = [.. last.Select(c => c.Personal).Where(p => !double.IsNaN(p)).Order()];
            return new ShadowSummary(
                _compared, Interlocked.Read(ref _dropped), Interlocked.Read(ref _failed),
                last.Average(c => c.Overlap), last.Average(c => c.RankCorrelation), last.Average(c => c.ScoreDrift),
                personal.Length > 0 ? personal[personal.Length / 2] : null);
        }
    }
}
