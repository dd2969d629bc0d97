using System.Globalization;
using RecoServe.Engine.Packages;

namespace RecoServe.Trainer.Reports;

/// <summary>The numbers of a run's <c>metrics.csv</c>, by column: a line an epoch.</summary>
internal sealed class EpochTable
{
    private readonly string[] _names;
    private readonly List<double[]> _rows;

    private EpochTable(string[] names, List<double[]> rows) => (_names, _rows) = (names, rows);

    /// <summary>The columns' names, in their order.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>The epochs: a number a column, NaN where the field is empty.</summary>
    public IReadOnlyList<double[]> Rows => _rows;

    /// <summary>Reads a file.</summary>
    /// <exception cref="PackageException">Names the file and the line.</exception>
    public static EpochTable Read(string path)
    {
        if (!File.Exists(path))
            throw new PackageException(path, "is not there");
        var lines = File.ReadAllLines(path);
        var names = lines.Length == 0 ? [] : lines[0].Split(',');
        List<double[]> rows = [];
        for (var line = 1; line < lines.Length; line++)
        {
            var fields = lines[line].Split(',');
            if (fields.Length != names.Length)
                throw new PackageException(path, $"line {line + 1} has {fields.Length} fields, the header has {names.Length}");
            rows.Add(Array.ConvertAll(fields, field => NumberOf(path, line + 1, field)));
        }

        return new EpochTable(names, rows);
    }

    /// <summary>The values of a column with the epochs that have one; empty if there is no such column.</summary>
    public (double[] Epochs, double[] Values) Column(string name)
    {
        var (x, y) = (Array.IndexOf(_names, "epoch"), Array.IndexOf(_names, name));
        var rows = x < 0 || y < 0 ? [] : _rows.Where(row => double.IsFinite(row[y])).ToArray();
        return ([.. rows.Select(row => row[x])], [.. rows.Select(row => row[y])]);
    }

    private static double NumberOf(string path, int line, string field) =>
        field.Length == 0 ? double.NaN
        : double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value
        : throw new PackageException(path, $"line {line}: \"{field}\" is not a number");
}
