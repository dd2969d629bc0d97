using System.Globalization;

namespace RecoServe.Trainer.Data;

/// <summary>A rating matrix as text: a line a user, a number for each item, 0 where there is no rating; as Coat has it.</summary>
internal static class RatingMatrix
{
    /// <summary>Refuses what is no matrix.</summary>
    /// <exception cref="DataException">Names the line: its length differs from the first's, or a field is no number.</exception>
    public static void Require(string path)
    {
        var (number, width) = (0, 0);
        foreach (var line in File.ReadLines(path))
        {
            number++;
            var fields = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            width = number == 1 ? fields.Length : width;
            if (fields.Length != width || width == 0)
                throw new DataException($"{path} line {number}: has {fields.Length} numbers, line 1 has {width}; a matrix has a number for each item on every line");
            if (Array.Find(fields, field => !double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out _)) is { } bad)
                throw new DataException($"{path} line {number}: \"{bad}\" is not a number");
        }
    }

    /// <summary>SQL of a relation user_id, item_id, rating: the cells that are not 0.</summary>
    public static string Source(string path)
    {
        const string OneColumn = "columns = {'line': 'VARCHAR'}, header = false, delim = '\x01', quote = '', escape = '', auto_detect = false, strict_mode = false";
        return $"""
            (SELECT user_id, item_id, rating FROM (
                SELECT user_id, unnest(range(1, len(cells) + 1)) AS item_id, CAST(unnest(cells) AS DOUBLE) AS rating
                FROM (SELECT row_number() OVER () AS user_id, string_split_regex(trim(line, E' \t\r'), '[ \t]+') AS cells
                      FROM read_csv({Sql.Text(path)}, {OneColumn})))
             WHERE rating <> 0)
            """;
    }
}
