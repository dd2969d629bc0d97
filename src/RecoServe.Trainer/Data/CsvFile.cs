namespace RecoServe.Trainer.Data;

/// <summary>What a CSV or TSV file says about itself line by line: its header, and its faults once DuckDB has refused it.</summary>
/// <param name="path">A UTF-8 file.</param>
/// <param name="delimiter">Comma or tab.</param>
internal sealed class CsvFile(string path, char delimiter)
{
    /// <summary>The options that make DuckDB read this dialect and no other.</summary>
    public string Dialect { get; } = $"delim = {Sql.Text(delimiter.ToString())}, quote = '\"', escape = '\"', header = true";

    /// <summary>The column names; one without a name is <c>column1</c> by its place.</summary>
    /// <exception cref="DataException">There is no header, or two columns have one name.</exception>
    public List<string> ReadHeader()
    {
        foreach (var header in Records())
        {
            if (header.Problem is not null || header.Fields is [""])
                throw new DataException($"{path} line 1: {header.Problem ?? "is blank; the first line must name the columns"}");
            var names = header.Fields.Select((name, i) => name.Length == 0 ? $"column{i + 1}" : name).ToList();
            if (names.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1) is { } twice)
                throw new DataException($"{path} line 1: two columns are named {twice.Key}; each name may stand once");
            return names;
        }

        throw new DataException($"{path} is empty; the first line must name the columns");
    }

    /// <summary>The physical line where a record begins; 0 is the header.</summary>
    public long LineOf(long record)
    {
        foreach (var (line, _, _, _) in Records())
        {
            if (record-- == 0)
                return line;
        }

        throw new ArgumentOutOfRangeException(nameof(record), $"{path} has not so many records");
    }

    /// <summary>The first line that is not as the header promises; null if all are.</summary>
    public DataException? FindFault()
    {
        var columns = ReadHeader().Count;
        string? lineEnd = null;
        foreach (var (line, fields, end, problem) in Records())
        {
            lineEnd ??= end;
            var fault = problem
                ?? (fields.Count != columns ? $"has {fields.Count} fields, the header has {columns}" : null)
                ?? (end.Length > 0 && end != lineEnd ? $"ends with {end}, line 1 with {lineEnd}; all must end alike" : null);
            if (fault is not null)
                return new DataException($"{path} line {line}: {fault}");
        }

        return null;
    }

    private IEnumerable<CsvRecord> Records() => CsvRecords.Read(path, delimiter);
}
