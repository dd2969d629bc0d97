using System.Globalization;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Search;

/// <summary>The results of a search in <c>results.csv</c>: a line a trial and rung, written when it has ended. With it a search goes on.</summary>
internal sealed class SearchResults
{
    private readonly string _path;
    private readonly List<TrialResult> _rows = [];

    private SearchResults(string path) => _path = path;

    /// <summary>All results so far.</summary>
    public IReadOnlyList<TrialResult> Rows => _rows;

    /// <summary>Opens the results of a search, or begins them.</summary>
    /// <param name="path">The file.</param>
    /// <param name="names">The varied options.</param>
    /// <param name="trials">The search's trials.</param>
    /// <exception cref="DataException">The file is of another search, or damaged; names the line.</exception>
    public static SearchResults Open(string path, IEnumerable<string> names, IReadOnlyList<Trial> trials)
    {
        var results = new SearchResults(path);
        var header = string.Join(',', ["trial", "rung", "epochs", "val_hr10", "val_ndcg10", "seconds", .. names]);
        if (!File.Exists(path))
        {
            File.WriteAllText(path, header + "\n");
            return results;
        }

        var records = CsvRecords.Read(path, ',').ToList();
        if (records.Count == 0 || string.Join(',', records[0].Fields) != header)
            throw new DataException($"{path} line 1: is of a search with other options; name another folder");
        results._rows.AddRange(records.Skip(1).Select(record => results.Parse(record, trials)));
        return results;
    }

    /// <summary>The result of a trial in a rung; null if it has none yet.</summary>
    public TrialResult? Find(Trial trial, int rung) => _rows.Find(row => row.Trial.Number == trial.Number && row.Rung == rung);

    /// <summary>Writes a result.</summary>
    public void Append(TrialResult result)
    {
        string Number(double value) => double.IsNaN(value) ? "" : value.ToString("F6", CultureInfo.InvariantCulture);
        string[] fields =
        [
            $"{result.Trial.Number}", $"{result.Rung}", $"{result.Epochs}", Number(result.HitRate), Number(result.Ndcg),
            result.Seconds.ToString("F1", CultureInfo.InvariantCulture), .. result.Trial.Values.Select(Quoted),
        ];
        File.AppendAllText(_path, string.Join(',', fields) + "\n");
        _rows.Add(result);
    }

    private TrialResult Parse(CsvRecord record, IReadOnlyList<Trial> trials)
    {
        try
        {
            double Number(int field) => record.Fields[field].Length == 0 ? double.NaN : double.Parse(record.Fields[field], CultureInfo.InvariantCulture);
            var trial = trials[int.Parse(record.Fields[0], CultureInfo.InvariantCulture) - 1];
            if (!trial.Values.SequenceEqual(record.Fields.Skip(6)))
                throw new DataException($"{_path} line {record.Line}: trial {trial.Number} has other values than this search draws; the space, --trials or --seed differ, so name another folder");
            return new TrialResult(trial, (int)Number(1), (int)Number(2), Number(3), Number(4), Number(5));
        }
        catch (Exception e) when (e is FormatException or ArgumentOutOfRangeException)
        {
            throw new DataException($"{_path} line {record.Line}: is no result of this search", e);
        }
    }

    private static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(",\"\n\r") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
