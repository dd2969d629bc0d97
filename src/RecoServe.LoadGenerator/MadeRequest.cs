using Google.Protobuf;
using RecoServe.Contracts.V1;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;

namespace RecoServe.LoadGenerator;

/// <summary>One request, made before the run.</summary>
/// <param name="Message">It, serialised.</param>
/// <param name="Input">What the model reads of it.</param>
/// <param name="Items">Number of items that its answer must have.</param>
internal sealed record MadeRequest(byte[] Message, EncoderInput Input, int Items)
{
    /// <summary>Items of a usual slate.</summary>
    internal const int SlateSize = 10;

    /// <summary>Items of the largest slate that may be asked for.</summary>
    internal const int LargestSlate = 500;

    private const int RequestCount = 1024;

    /// <summary>
    /// Seeded requests for one model: histories of items chosen at random, a random known value for every context field, a
    /// nucleus of 0.9.
    /// </summary>
    /// <param name="package">The model that is asked, whichever of its versions serves.</param>
    /// <param name="seed">The same seed gives the same requests.</param>
    /// <param name="length">Length of the history of request number i; default: 0 to MaxHistory at random.</param>
    /// <param name="slateSize">Items to ask for.</param>
    internal static MadeRequest[] Make(ModelPackage package, int seed, Func<int, int>? length = null, int slateSize = SlateSize)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, RequestCount).Select(i => Make(package, random, i, length?.Invoke(i) ?? random.Next(package.Manifest.MaxHistory + 1), slateSize))];
    }

    private static MadeRequest Make(ModelPackage package, Random random, int number, int length, int slateSize)
    {
        var manifest = package.Manifest;
        var history = new int[length];
        foreach (ref var item in history.AsSpan())
            item = random.Next(1, manifest.ItemCount + 1);
        var values = manifest.ContextFields.Select(f => random.Next(f.Values.Count)).ToArray();
        var request = new RecommendRequest
        {
            Model = new ModelSpec { Name = manifest.Name },
            UserId = $"user-{number}",
            History = { history.Select(item => new Watch { ItemId = package.Catalogue.IdOf(item) }) },
            SlateSize = slateSize,
            Sampling = new Sampling { Strategy = SamplingStrategy.Nucleus, TopP = 0.9 },
            IncludeTimings = true,
        };
        for (var f = 0; f < values.Length; f++)
            request.Context.Add(manifest.ContextFields[f].Key, manifest.ContextFields[f].Values[values[f]]);
        return new MadeRequest(
            request.ToByteArray(),
            new EncoderInput(history.TakeLast(manifest.MaxHistory).ToArray(), values.Select(v => v + 1).ToArray()),
            Math.Min(slateSize, manifest.ItemCount - history.Distinct().Count()));
    }
}
