using System.Globalization;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// A published model package as a scorer, run by the code that serves it. The log may be another than the package was
/// trained on: items and context values are matched by name; the package's unknown items are skipped in histories and
/// score −∞.
/// </summary>
internal sealed class PackageScorer : IItemScorer, IDisposable
{
    private readonly ModelPackage _package;
    private readonly ModelRunner _runner;

    /// <summary>The package's index of each item of the log; 0 = unknown.</summary>
    private readonly int[] _itemOf;

    /// <summary>For each context field of the package: its place in the log, and the package's code of each of the log's codes.</summary>
    private readonly (int Field, int[] CodeOf)[] _contextOf;

    /// <param name="directory">The package's directory.</param>
    /// <param name="log">The log whose questions will be asked.</param>
    /// <exception cref="PackageException">The package cannot be read.</exception>
    /// <exception cref="DataException">The package knows no item of the log.</exception>
    public PackageScorer(string directory, WatchLog log)
    {
        _package = ModelPackage.Open(directory);
        _itemOf = new int[log.Catalogue.Count + 1];
        for (var item = 1; item < _itemOf.Length; item++)
            _itemOf[item] = _package.Catalogue.TryGetIndex(log.Catalogue.IdOf(item), out var index) ? index : 0;
        if (!_itemOf.AsSpan().ContainsAnyExcept(0))
        {
            throw new DataException(string.Create(
                CultureInfo.InvariantCulture,
                $"{directory}: the model knows none of the log's {log.Catalogue.Count:N0} items, such as \"{log.Catalogue.IdOf(1)}\"; its own are such as \"{_package.Catalogue.IdOf(1)}\""));
        }

        _runner = new ModelRunner(_package, new RunnerOptions { Threads = Environment.ProcessorCount });
        _contextOf = [.. _package.Manifest.ContextFields.Select(field => ContextOf(field, log.ContextFields))];
    }

    /// <inheritdoc/>
    public int MaxBatch => _runner.MaxBatchSize;

    /// <inheritdoc/>
    public void Score(ReadOnlySpan<Question> questions, Span<double> scores)
    {
        var logits = _runner.Logits([.. questions.ToArray().Select(ToInput)]);
        var columns = _package.Manifest.ItemCount + 1;
        for (var row = 0; row < questions.Length; row++)
        {
            for (var item = 1; item < _itemOf.Length; item++)
                scores[(row * _itemOf.Length) + item] = _itemOf[item] == 0 ? double.NegativeInfinity : logits[(row * columns) + _itemOf[item]];
        }
    }

    /// <summary>What the package was trained with, by name.</summary>
    public IReadOnlyDictionary<string, string> Settings => _package.Manifest.Settings;

    /// <summary>What the package reads and a log has not, so that it is unknown to the scores; each a sentence without its subject.</summary>
    /// <param name="log">The log that the scorer was made for.</param>
    public IEnumerable<string> Unknown(WatchLog log)
    {
        foreach (var field in _package.Manifest.ContextFields.Where((_, i) => _contextOf[i].Field < 0))
            yield return $"reads the context {field.Key}, which is unknown here; --context {field.Key} gives it";
        if (_package.Manifest.TimeGaps && !log.HasTimes)
            yield return "reads time gaps, which are unknown here: the log has no times; a table with a column timestamp has";
    }

    /// <inheritdoc/>
    public void Dispose() => _runner.Dispose();

    private static (int Field, int[] CodeOf) ContextOf(ContextField field, IReadOnlyList<ContextField> log)
    {
        for (var f = 0; f < log.Count; f++)
        {
            if (log[f].Key == field.Key)
                return (f, [0, .. log[f].Values.Select(field.CodeOf)]);
        }

        return (-1, []);
    }

    private static int[] GapsOf(Question question, int[] items, int newest) =>
        (question with { Times = question.Times.ToArray().Where((_, i) => items[i] > 0).ToArray() }).GapsOf(newest);

    private int[] HistoryContextOf(Question question, int[] items, int newest) =>
    [
        .. Enumerable.Range(0, items.Length).Where(t => items[t] > 0).TakeLast(newest)
            .SelectMany(t => _contextOf.Select(c => c.Field < 0 ? 0 : c.CodeOf[question.HistoryContext![c.Field].Span[t]])),
    ];

    private EncoderInput ToInput(Question question)
    {
        var items = question.History.ToArray().Select(item => _itemOf[item]).ToArray();
        var history = items.Where(item => item > 0).TakeLast(_package.Manifest.MaxHistory).ToArray();
        var context = _contextOf.Select(c => c.Field < 0 ? 0 : c.CodeOf[question.Context.Span[c.Field]]).ToArray();
        return new EncoderInput(
            history, context, _package.Manifest.TimeGaps ? GapsOf(question, items, history.Length) : default,
            _package.Manifest.HistoryContext && question.HistoryContext is not null ? HistoryContextOf(question, items, history.Length) : default);
    }
}
