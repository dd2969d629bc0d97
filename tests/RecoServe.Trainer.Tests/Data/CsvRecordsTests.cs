using CsCheck;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Tests.Data;

public sealed class CsvRecordsTests : IDisposable
{
    private readonly InputFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Read_AnyFields_AreThoseWrittenAndOnTheirLines() =>
        Gen.Select(Gen.Char["ab,\"\n\ré"].Array[0, 4].Array[3].Array[1, 8], Gen.Bool).Sample(
            (cells, windows) =>
            {
                var lineEnd = windows ? "\r\n" : "\n";
                var records = cells.Select(fields => fields.Select(field => new string(field)).ToArray()).ToArray();
                var content = string.Concat(records.Select(fields => string.Join(',', fields.Select(Quote)) + lineEnd));
                var path = _files.Write("any.csv", content);

                var read = CsvRecords.Read(path, ',').ToList();

                Assert.Equal(records, read.Select(record => record.Fields));
                var line = 1L;
                for (var i = 0; i < records.Length; i++)
                {
                    Assert.Equal((line, windows ? "\\r\\n" : "\\n", null), (read[i].Line, read[i].LineEnd, read[i].Problem));
                    line += 1 + records[i].Sum(LineBreaks);
                }
            },
            threads: 1);

    private static string Quote(string field) =>
        field.AsSpan().IndexOfAny(",\"\r\n") < 0 ? field : $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static int LineBreaks(string field) => field.Replace("\r\n", "\n", StringComparison.Ordinal).Count(c => c is '\r' or '\n');
}
