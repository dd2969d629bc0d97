using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine;

/// <summary>A request in the terms of one model version: ids turned into indexes, context values into codes.</summary>
/// <param name="Input">What the encoder reads.</param>
/// <param name="Watched">Item indexes of the whole history, also of what is too old to be read; 0 for ids that the catalogue does not have.</param>
internal readonly record struct Query(EncoderInput Input, int[] Watched)
{
    /// <summary>Encodes history and context.</summary>
    /// <param name="package">The version's package.</param>
    /// <param name="request">Whose history and context are read.</param>
    /// <param name="unknown">Takes the history's ids that the catalogue does not have.</param>
    /// <exception cref="InvalidRequestException">A context key is not the model's.</exception>
    internal static Query Encode(ModelPackage package, ModelRequest request, ISet<string> unknown)
    {
        var manifest = package.Manifest;
        var watched = new int[request.History.Count];
        for (var i = 0; i < watched.Length; i++)
        {
            if (!package.Catalogue.TryGetIndex(request.History[i], out watched[i]))
                unknown.Add(request.History[i]);
        }

        var input = new EncoderInput(
            HistoryOf(watched, manifest.MaxHistory),
            EncodeContext(manifest.ContextFields, request.Context, "context"),
            manifest.TimeGaps && request.WatchedAt.Count > 0 ? TimeGap.CodesOf([.. OfRead(request.WatchedAt, watched, manifest.MaxHistory)]) : default,
            manifest.HistoryContext && request.HistoryContext.Count > 0 ? EncodeContexts(manifest, request.HistoryContext, watched) : default);
        return new Query(input, watched);
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

    private static ReadOnlyMemory<int> HistoryOf(int[] watched, int maxHistory)
    {
        var known = watched.Contains(0) ? Array.FindAll(watched, item => item > 0) : watched;
        return known.AsMemory(Math.Max(0, known.Length - maxHistory));
    }

    /// <summary>What is known of the watches that are read: the gap to one that is skipped, or too old, for example, is not known to the model.</summary>
    private static IEnumerable<T> OfRead<T>(IEnumerable<T> known, int[] watched, int maxHistory) =>
        known.Zip(watched).Where(watch => watch.Second > 0).Select(watch => watch.First).TakeLast(maxHistory);

    private static int[] EncodeContexts(ModelManifest manifest, IReadOnlyList<IReadOnlyDictionary<string, string>> contexts, int[] watched)
    {
        var codes = contexts.Select((context, i) => EncodeContext(manifest.ContextFields, context, $"history[{i}].context.values"));
        return [.. OfRead(codes, watched, manifest.MaxHistory).SelectMany(watch => watch)];
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
