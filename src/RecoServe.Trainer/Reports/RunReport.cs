using System.Globalization;
using System.Net;
using System.Text;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Reports;

/// <summary>
/// What a run's folder shows of the run: <c>metrics.parquet</c> (as <c>metrics.csv</c>), <c>plots/*.png</c>, and
/// <c>report.html</c>, one file with everything in it that loads nothing from anywhere.
/// </summary>
internal sealed class RunReport
{
    private const string Style = """
        body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
        h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #ddd}
        table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:top}
        td.n,th.n{text-align:right}tr:nth-child(even){background:#f6f6f6}img{max-width:100%}.note{color:#a40}
        """;

    private readonly RunFolder _run;
    private readonly EpochTable _epochs;
    private readonly IReadOnlyList<(string File, string Title, byte[] Png)> _plots;

    private RunReport(RunFolder run)
    {
        _run = run;
        _epochs = EpochTable.Read(Path.Combine(run.Path, "metrics.csv"));
        _plots = EpochPlot.All(_epochs);
    }

    /// <summary>Writes the report of a run, also of one that has not ended.</summary>
    /// <returns>The path of <c>report.html</c>.</returns>
    /// <exception cref="PackageException">A file of the run is damaged.</exception>
    public static string Write(RunFolder run)
    {
        var report = new RunReport(run);
        report.WriteParquet();
        var plots = Directory.CreateDirectory(Path.Combine(run.Path, "plots"));
        foreach (var (file, _, png) in report._plots)
            WholeFile.Write(Path.Combine(plots.FullName, file), to => to.Write(png));
        var path = Path.Combine(run.Path, "report.html");
        WholeFile.Write(path, report.Html());
        return path;
    }

    private void WriteParquet()
    {
        using var workspace = new Workspace(memoryLimit: null);
        var (csv, parquet) = (Path.Combine(_run.Path, "metrics.csv"), Path.Combine(_run.Path, "metrics.parquet"));
        var draft = parquet + ".draft"; // DuckDB replaces a file whole, but writes one that was not there in place
        var columns = string.Join(", ", _epochs.Names.Select(name => $"{Sql.Text(name)}: {(name == "epoch" ? "'INTEGER'" : "'DOUBLE'")}"));
        workspace.Execute($"COPY (SELECT * FROM read_csv({Sql.Text(csv)}, header = true, auto_detect = false, columns = {{{columns}}})) TO {Sql.Text(draft)} (FORMAT parquet)");
        File.Move(draft, parquet, overwrite: true);
    }

    private string Html()
    {
        var html = new StringBuilder();
        var name = Path.GetFileName(Path.GetFullPath(_run.Path));
        html.Append(CultureInfo.InvariantCulture, $"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{Text(name)}</title><style>{Style}</style><body><h1>Training run {Text(name)}</h1>\n");
        if (!_run.HasEnded)
            html.Append("<p class=\"note\">The training has not ended: there is no evaluation yet.</p>\n");
        AppendEvaluation(html);
        AppendCurves(html);
        var settings = _run.Settings.Flatten();
        AppendPairs(html, "Data", settings.Where(s => s.Key.StartsWith("data/", StringComparison.Ordinal)));
        AppendPairs(html, "Options", settings.Where(s => !s.Key.StartsWith("data/", StringComparison.Ordinal)));
        AppendEpochs(html);
        return html.Append("</body></html>\n").ToString();
    }

    private void AppendEvaluation(StringBuilder html)
    {
        var metrics = _run.ReadMetrics();
        if (metrics.Count == 0)
            return;
        html.Append("<h2>Evaluation of the best weights</h2><table><tr><th>metric<th class=\"n\">validation<th class=\"n\">test</tr>\n");
        foreach (var metric in metrics.Keys.Select(key => key[(key.IndexOf('/', StringComparison.Ordinal) + 1)..]).Distinct())
        {
            string Of(string part) => metrics.TryGetValue($"{part}/{metric}", out var value) ? value.ToString("F6", CultureInfo.InvariantCulture) : "";
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(metric)}<td class=\"n\">{Of("validation")}<td class=\"n\">{Of("test")}</tr>\n");
        }

        html.Append("</table>\n");
    }

    private void AppendCurves(StringBuilder html)
    {
        if (_plots.Count > 0)
            html.Append("<h2>Curves</h2>\n");
        foreach (var (_, title, png) in _plots)
            html.Append(CultureInfo.InvariantCulture, $"<p><img alt=\"{Text(title)}\" src=\"data:image/png;base64,{Convert.ToBase64String(png)}\"></p>\n");
    }

    private static void AppendPairs(StringBuilder html, string title, IEnumerable<KeyValuePair<string, string>> pairs)
    {
        html.Append(CultureInfo.InvariantCulture, $"<h2>{title}</h2><table>\n");
        foreach (var (key, value) in pairs)
            html.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(key[(key.IndexOf('/', StringComparison.Ordinal) + 1)..])}<td>{Text(value)}</tr>\n");
        html.Append("</table>\n");
    }

    private void AppendEpochs(StringBuilder html)
    {
        html.Append("<h2>Epochs</h2><table><tr>");
        foreach (var name in _epochs.Names)
            html.Append(CultureInfo.InvariantCulture, $"<th class=\"n\">{Text(name)}");
        html.Append("</tr>\n");
        foreach (var row in _epochs.Rows)
        {
            html.Append("<tr>");
            foreach (var value in row)
                html.Append(CultureInfo.InvariantCulture, $"<td class=\"n\">{(double.IsNaN(value) ? "" : value.ToString("G6", CultureInfo.InvariantCulture))}");
            html.Append("</tr>\n");
        }

        html.Append("</table>\n");
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
