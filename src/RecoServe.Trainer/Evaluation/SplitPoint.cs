using System.Globalization;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>Where a period begins: at a time, or where a share of the events is over.</summary>
internal readonly record struct SplitPoint
{
    private readonly long? _time;
    private readonly double _fraction;

    private SplitPoint(long? time, double fraction) => (_time, _fraction) = (time, fraction);

    /// <summary>The point before which this share of the events lies.</summary>
    public static SplitPoint AtFraction(double fraction) => new(null, fraction);

    /// <summary>Reads a date or a time in ISO 8601 (without an offset UTC), or a fraction between 0 and 1.</summary>
    /// <param name="option">The option's name, for the message.</param>
    /// <param name="text">What the user gave.</param>
    /// <exception cref="DataException">It is neither.</exception>
    public static SplitPoint Parse(string option, string text)
    {
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var fraction) && fraction is > 0 and < 1)
            return AtFraction(fraction);
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) && text.Contains('-', StringComparison.Ordinal)
            ? new SplitPoint(time.ToUnixTimeMilliseconds(), 0)
            : throw new DataException($"{option} {text}: must be a date, as 2026-01-31 or 2026-01-31T20:15:00Z, or a fraction between 0 and 1");
    }

    /// <summary>The point in milliseconds since 1970: events before it are before the period.</summary>
    /// <param name="events">Number of the events that a fraction is of, at least one.</param>
    /// <param name="timeOf">The time of such an event by its rank, from 0, in order of time.</param>
    public long In(long events, Func<long, long> timeOf) => _time ?? timeOf((long)(_fraction * events));
}
