using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine;

/// <summary>A request in the terms of one model version: ids turned into indexes, context values into codes.</summary>
internal static class Query
{
    /// <summary>Encodes history and context.</summary>
    /// <param name="package">The version's package.</param>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="watchedAt">When, as in <see cref="ModelRequest.WatchedAt"/>.</param>
    /// <param name="context">Context values by key.</param>
    /// <param name="unknown">Takes the history's ids that the catalogue does not have.</param>
    /// <exception cref="InvalidRequestException">A context key is not the model's.</exception>
    internal static EncoderInput Encode(
        ModelPackage package,
        IReadOnlyList<string> history,
        IReadOnlyList<long?> watchedAt,
        IReadOnlyDictionary<string, string> context,
        ISet<string> unknown) => new(
            EncodeHistory(package, history, unknown),
            EncodeContext(package.Manifest.ContextFields, context),
            package.Manifest.TimeGaps && watchedAt.Count > 0 ? EncodeGaps(package, history, watchedAt) : default);

    /// <summary>The context without what a model does not read.</summary>
    internal static IReadOnlyDictionary<string, string> KnownContext(ModelPackage package, IReadOnlyDictionary<string, string> context) =>
        context.Where(c => package.Manifest.ContextFields.Any(f => f.Key == c.Key)).ToDictionary();

    /// <summary>Looks ids up; those the catalogue does not have go to <paramref name="unknown"/>.</summary>
    internal static IEnumerable<int> Indexes(Catalogue catalogue, IReadOnlyList<string> ids, ISet<string> unknown)
    {
        foreach (var id in ids)
        {
            if (catalogue.TryGetIndex(id, out var index))
                yield return index;
            else
                unknown.Add(id);
        }
    }

    private static ReadOnlyMemory<int> EncodeHistory(ModelPackage package, IReadOnlyList<string> history, ISet<string> unknown)
    {
        var indexes = Indexes(package.Catalogue, history, unknown).ToArray();
        return indexes.AsMemory(Math.Max(0, indexes.Length - package.Manifest.MaxHistory));
    }

    /// <summary>Of the watches that are read: the gap to one that is skipped, or too old, is not known to the model.</summary>
    private static int[] EncodeGaps(ModelPackage package, IReadOnlyList<string> history, IReadOnlyList<long?> watchedAt) => TimeGap.CodesOf(
        [.. history.Zip(watchedAt).Where(w => package.Catalogue.TryGetIndex(w.First, out _)).Select(w => w.Second).TakeLast(package.Manifest.MaxHistory)]);

    private static int[] EncodeContext(IReadOnlyList<ContextField> fields, IReadOnlyDictionary<string, string> context)
    {
        var codes = new int[fields.Count];
        var known = 0;
        for (var f = 0; f < fields.Count; f++)
        {
            if (!context.TryGetValue(fields[f].Key, out var value))
                continue;
            known++;
            codes[f] = fields[f].CodeOf(value);
        }

        if (known < context.Count)
        {
            var stranger = context.Keys.First(k => fields.All(f => f.Key != k));
            var keys = fields.Count > 0 ? $"its keys are: {string.Join(", ", fields.Select(f => f.Key))}" : "it reads no context";
            throw new InvalidRequestException($"context[\"{stranger}\"]", $"the model has no such context; {keys}");
        }

        return codes;
    }
}
