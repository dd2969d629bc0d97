using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine;

/// <summary>A request in the terms of one model version: ids turned into indexes, context values into codes.</summary>
internal static class Query
{
    /// <summary>Encodes history and context.</summary>
    /// <param name="package">The version's package.</param>
    /// <param name="request">Whose history and context are read.</param>
    /// <param name="unknown">Takes the history's ids that the catalogue does not have.</param>
    /// <exception cref="InvalidRequestException">A context key is not the model's.</exception>
    internal static EncoderInput Encode(ModelPackage package, ModelRequest request, ISet<string> unknown)
    {
        var manifest = package.Manifest;
        return new(
            EncodeHistory(package, request.History, unknown),
            EncodeContext(manifest.ContextFields, request.Context, "context"),
            manifest.TimeGaps && request.WatchedAt.Count > 0 ? TimeGap.CodesOf([.. OfRead(package, request.History, request.WatchedAt)]) : default,
            manifest.HistoryContext && request.HistoryContext.Count > 0 ? EncodeContexts(package, request.History, request.HistoryContext) : default);
    }

    /// <summary>A request without the context that a model does not read.</summary>
    internal static T Known<T>(ModelPackage package, T request)
        where T : ModelRequest
    {
        return (T)(((ModelRequest)request) with { Context = Known(request.Context), HistoryContext = package.Manifest.HistoryContext ? [.. request.HistoryContext.Select(Known)] : [] });

        IReadOnlyDictionary<string, string> Known(IReadOnlyDictionary<string, string> context) =>
            context.Where(c => package.Manifest.ContextFields.Any(f => f.Key == c.Key)).ToDictionary();
    }

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

    /// <summary>What is known of the watches that are read: the gap to one that is skipped, or too old, for example, is not known to the model.</summary>
    private static IEnumerable<T> OfRead<T>(ModelPackage package, IReadOnlyList<string> history, IEnumerable<T> known) =>
        history.Zip(known).Where(w => package.Catalogue.TryGetIndex(w.First, out _)).Select(w => w.Second).TakeLast(package.Manifest.MaxHistory);

    private static int[] EncodeContexts(ModelPackage package, IReadOnlyList<string> history, IReadOnlyList<IReadOnlyDictionary<string, string>> contexts)
    {
        var codes = contexts.Select((context, i) => EncodeContext(package.Manifest.ContextFields, context, $"history[{i}].context.values"));
        return [.. OfRead(package, history, codes).SelectMany(watch => watch)];
    }

    /// <param name="fields">The model's.</param>
    /// <param name="context">Values by key.</param>
    /// <param name="name">The request's name for it.</param>
    private static int[] EncodeContext(IReadOnlyList<ContextField> fields, IReadOnlyDictionary<string, string> context, string name)
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
            throw new InvalidRequestException($"{name}[\"{stranger}\"]", $"the model has no such context; {keys}");
        }

        return codes;
    }
}
