using System.Text;
using System.Text.Unicode;

namespace RecoServe.Trainer.Data;

/// <summary>One record of a CSV file as it stands there.</summary>
/// <param name="Line">The physical line where it begins, from 1.</param>
/// <param name="Fields">The fields without their quotes.</param>
/// <param name="LineEnd">What ends it: <c>\n</c>, <c>\r\n</c> or <c>\r</c> as one reads it; empty at the end of the file.</param>
/// <param name="Problem">What is wrong with it, or null.</param>
internal readonly record struct CsvRecord(long Line, IReadOnlyList<string> Fields, string LineEnd, string? Problem);

/// <summary>
/// Reads CSV records one by one with their line numbers (RFC 4180). DuckDB reads the data; this reads the header, and finds
/// the line to name when DuckDB has refused a file.
/// </summary>
/// <remarks>A record spans several lines if a quoted field does. A blank line is no record unless the file has one column.</remarks>
internal static class CsvRecords
{
    /// <summary>Streams the records; ends after the first that has a problem with quotes or encoding.</summary>
    /// <param name="path">A UTF-8 file.</param>
    /// <param name="delimiter">Comma or tab.</param>
    public static IEnumerable<CsvRecord> Read(string path, char delimiter)
    {
        using var reader = new StreamReader(path, Encoding.Latin1, detectEncodingFromByteOrderMarks: false, bufferSize: 1 << 16);
        SkipByteOrderMark(reader);
        var line = 1L;
        var single = (bool?)null;
        while (reader.Peek() >= 0)
        {
            var begin = line;
            var fields = ReadRecord(reader, delimiter, ref line, out var lineEnd, out var problem);
            single ??= fields.Count == 1;
            if (problem is null && fields is [""] && single == false)
                continue;
            if (problem is null && fields.Any(field => !IsUtf8(field)))
                problem = "is not UTF-8; convert the file";
            yield return new CsvRecord(begin, [.. fields.Select(Decode)], lineEnd, problem);
            if (problem is not null)
                yield break;
        }
    }

    /// <summary>Each char is one byte here; a quoted field may hold delimiters, line breaks and doubled quotes.</summary>
    private static List<string> ReadRecord(StreamReader reader, char delimiter, ref long line, out string lineEnd, out string? problem)
    {
        List<string> fields = [];
        var field = new StringBuilder();
        (lineEnd, problem) = ("", null);
        while (true)
        {
            if (reader.Peek() == '"' && field.Length == 0)
                problem = ReadQuoted(reader, delimiter, field, ref line);
            var next = reader.Read();
            var ends = next is -1 or '\n' or '\r';
            if (ends || next == delimiter)
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else
            {
                field.Append((char)next);
            }

            if (ends || problem is not null)
            {
                lineEnd = EndOfLine(reader, next);
                line += lineEnd.Length > 0 ? 1 : 0;
                return fields;
            }
        }
    }

    private static string EndOfLine(StreamReader reader, int next)
    {
        if (next != '\r')
            return next == '\n' ? "\\n" : "";
        if (reader.Peek() != '\n')
            return "\\r";
        reader.Read();
        return "\\r\\n";
    }

    private static string? ReadQuoted(StreamReader reader, char delimiter, StringBuilder field, ref long line)
    {
        reader.Read();
        while (reader.Read() is var next and >= 0)
        {
            if (next != '"')
            {
                line += next == '\n' || (next == '\r' && reader.Peek() != '\n') ? 1 : 0;
                field.Append((char)next);
            }
            else if (reader.Peek() == '"')
            {
                field.Append((char)reader.Read());
            }
            else
            {
                var after = reader.Peek();
                return after is -1 or '\n' or '\r' || after == delimiter
                    ? null
                    : "has text after a closing quote; write a quote inside a quoted field twice";
            }
        }

        return "opens a quote that is never closed";
    }

    private static void SkipByteOrderMark(StreamReader reader)
    {
        if (reader.Peek() == 0xEF)
        {
            for (var i = 0; i < 3; i++)
                reader.Read();
        }
    }

    private static bool IsUtf8(string bytes) => Utf8.IsValid(Encoding.Latin1.GetBytes(bytes));

    private static string Decode(string bytes) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(bytes));
}
