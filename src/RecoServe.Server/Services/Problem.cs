using System.Globalization;
using System.Runtime.CompilerServices;

namespace RecoServe.Server.Services;

/// <summary>A text that is written only if a condition does not hold: each watch and id of a request is checked, and mostly right.</summary>
[InterpolatedStringHandler]
internal ref struct Problem
{
    private readonly string? _text;
    private DefaultInterpolatedStringHandler _writer;

    /// <summary>What the compiler makes of an interpolated string.</summary>
    /// <param name="literalLength">Characters outside of holes.</param>
    /// <param name="formattedCount">Holes.</param>
    /// <param name="condition">What should hold.</param>
    /// <param name="isWritten">Whether it does not.</param>
    public Problem(int literalLength, int formattedCount, bool condition, out bool isWritten)
    {
        isWritten = !condition;
        _writer = isWritten ? new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture) : default;
    }

    private Problem(string text) => _text = text;

    public static implicit operator Problem(string text) => new(text);

    public void AppendLiteral(string value) => _writer.AppendLiteral(value);

    public void AppendFormatted<T>(T value) => _writer.AppendFormatted(value);

    /// <summary>The text; once.</summary>
    public override string ToString() => _text ?? _writer.ToStringAndClear();
}
