using System.Numerics.Tensors;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;

namespace RecoServe.Trainer.Export;

/// <summary>Records a package's golden probe: what the network, in libtorch, answers to a few questions.</summary>
internal static class ProbeRecorder
{
    private const int Cases = 8, Top = 20, Others = 5;

    /// <summary>Larger than the export's tolerance: a server may run on another processor.</summary>
    private const float Tolerance = 1e-3f;

    /// <summary>Records answers to the first questions of a sample: an empty history, one item, a very long one, and real ones.</summary>
    public static GoldenProbe Record(
        NetworkScorer scorer, IReadOnlyList<Question> sample, Catalogue catalogue, IReadOnlyList<ContextField> fields)
    {
        var cases = new List<ProbeCase>();
        foreach (var question in sample.Take(Cases))
        {
            using var logits = scorer.Logits([question]);
            var history = question.History.ToArray().Select(catalogue.IdOf).ToArray();
            var answered = Case(history, ContextOf(question.Context.Span, fields), NetworkScorer.Floats(logits), catalogue);
            cases.Add(answered with
            {
                WatchedAt = question.Times.IsEmpty ? null : [.. question.Times.ToArray().Select(time => (long?)time)],
                HistoryContext = question.HistoryContext is { } codes ? [.. history.Select((_, t) => ContextOf([.. codes.Select(field => field.Span[t])], fields))] : null,
            });
        }

        return new GoldenProbe { Tolerance = Tolerance, Cases = cases };
    }

    private static ProbeCase Case(string[] history, Dictionary<string, string> context, ReadOnlySpan<float> logits, Catalogue catalogue)
    {
        var order = Enumerable.Range(1, catalogue.Count).ToArray();
        var keys = logits[1..].ToArray();
        TensorPrimitives.Negate(keys, keys);
        Array.Sort(keys, order);
        var others = Enumerable.Range(1, Others).Select(i => order[(int)((long)(order.Length - 1) * i / Others)]);
        var answers = new List<ProbeAnswer>();
        foreach (var item in order.Take(Top).Union(others))
            answers.Add(new ProbeAnswer(catalogue.IdOf(item), logits[item]));
        var sum = 0d;
        foreach (var logit in logits[1..])
            sum += Math.Exp(logit + keys[0]);
        return new ProbeCase(history, context, answers, Math.Log(sum) - keys[0]);
    }

    private static Dictionary<string, string> ContextOf(ReadOnlySpan<ushort> codes, IReadOnlyList<ContextField> fields)
    {
        var context = new Dictionary<string, string>();
        for (var f = 0; f < fields.Count; f++)
        {
            if (codes[f] is > 0 and var code)
                context.Add(fields[f].Key, fields[f].Values[code - 1]);
        }

        return context;
    }
}
