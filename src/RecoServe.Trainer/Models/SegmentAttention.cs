using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Models;

/// <summary>
/// The attention of Transformer-XL (Dai et al. 2019, §3.2 and §3.3). Steps are cut into segments of S; a step sees those of its own segment
/// up to itself and the S of the segment before. No gradient flows into that one, so that a history of n segments costs n times
/// one, and what a block of them knows of older steps it has from the block below. Positions are distances: the score of a key at
/// distance r is ((q + u) · k + (q + v) · W r⃗) / √width, with r⃗ the sinusoids of r and u, v, W of each block.
/// </summary>
internal sealed class SegmentAttention : CausalAttention
{
    private readonly Parameter _contentBias;
    private readonly Parameter _distanceBias;
    private readonly Tensor _sinusoids;

    /// <param name="dimension">Width d of input and output.</param>
    /// <param name="heads">Heads; they divide the width.</param>
    /// <param name="segment">Steps S of a segment.</param>
    public SegmentAttention(int dimension, int heads, int segment)
        : base(dimension, heads)
    {
        Segment = segment;
        Distance = nn.Linear(dimension, dimension, hasBias: false);
        _contentBias = nn.Parameter(zeros(heads, dimension / heads));
        _distanceBias = nn.Parameter(zeros(heads, dimension / heads));
        _sinusoids = Sinusoids(2 * segment, dimension).DetachFromDisposeScope();
        register_module("distance", Distance);
        register_parameter("content_bias", _contentBias);
        register_parameter("distance_bias", _distanceBias);
        register_buffer("sinusoids", _sinusoids, persistent: false);
    }

    /// <summary>Steps S of a segment.</summary>
    public int Segment { get; }

    /// <summary>W: d → d, without a bias.</summary>
    public Linear Distance { get; }

    /// <inheritdoc/>
    public override IEnumerable<Linear> Compared => [.. base.Compared, Distance];

    /// <summary>u [heads, d / heads], added to the query that meets a key.</summary>
    public Tensor ContentBias => _contentBias;

    /// <summary>v [heads, d / heads], added to the query that meets a distance.</summary>
    public Tensor DistanceBias => _distanceBias;

    /// <summary>W r⃗ for the distances 0…count − 1, count ≤ 2 S: [count, d].</summary>
    public Tensor Distances(long count) => Distance.call(_sinusoids.narrow(0, 0, count));

    /// <inheritdoc/>
    protected override Tensor Attend(Tensor asking, Tensor asked)
    {
        var (length, segment) = (asking.shape[1], Math.Min(asking.shape[1], Segment));
        var queries = Cut(Query.call(asking), segment);
        var segments = queries.shape[1];
        var keyValue = Cut(KeyValue.call(asked), segment);
        if (segments > 1)
            keyValue = cat([Before(asked, segment, segments), keyValue], 2);

        // [batch, segments, heads, steps or keys, width]
        var halves = keyValue.chunk(2, 3);
        var (keys, values) = (ByHead(halves[0]), ByHead(halves[1]));
        var byDistance = ByHead(queries.Plus(_distanceBias.flatten())).matmul(ByHead(Distances(keys.shape[3]).flip(0)).transpose(1, 2));
        using var scale = (1 / Math.Sqrt(queries.shape[3] / (double)Heads)).ToScalar();
        using var never = float.NegativeInfinity.ToScalar();
        var bias = Shift(byDistance).mul(scale).masked_fill(Hidden(segments, segment, keys.shape[3]), never);
        var seen = nn.functional.scaled_dot_product_attention(ByHead(queries.Plus(_contentBias.flatten())), keys, values, bias);
        return seen.transpose(2, 3).flatten(3).flatten(1, 2).narrow(1, 0, length);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Distance.Dispose();
            _contentBias.Dispose();
            _distanceBias.Dispose();
            _sinusoids.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>[batch, length, n] → [batch, segments, segment, n], the last segment padded.</summary>
    private static Tensor Cut(Tensor x, long segment) =>
        nn.functional.pad(x, [0, 0, 0, (segment - (x.shape[1] % segment)) % segment]).unflatten(1, -1, segment);

    /// <summary>Keys and values of the segments before, none of which the first one has: of the same shape. Training passes no gradient through them.</summary>
    private Tensor Before(Tensor asked, long segment, long segments)
    {
        using var before = asked.narrow(1, 0, (segments - 1) * segment);
        using var gone = training ? before.detach() : before.alias();
        return nn.functional.pad(Cut(KeyValue.call(gone), segment), [0, 0, 0, 0, 1, 0]);
    }

    /// <summary>
    /// [… steps, keys] by distance, the farthest first → by key: step i sees key j at the distance i − j + keys − steps. A row of
    /// numbers is read as rows that are one longer, so that each begins one earlier.
    /// </summary>
    private static Tensor Shift(Tensor x)
    {
        var (steps, keys) = (x.shape[^2], x.shape[^1]);
        return nn.functional.pad(x, [1, 0]).flatten(-2).narrow(-1, steps, steps * keys).unflatten(x.dim() - 2, steps, keys);
    }

    /// <summary>[segments, 1, steps, keys]: later keys, and those before the first segment.</summary>
    private static Tensor Hidden(long segments, long steps, long keys)
    {
        using var yes = true.ToScalar();
        var hidden = ones(steps, keys, dtype: ScalarType.Bool).triu(keys - steps + 1).repeat(segments, 1, 1, 1);
        hidden[0].narrow(2, 0, keys - steps).fill_(yes);
        return hidden;
    }

    /// <summary>[… steps, d] → [… heads, steps, d / heads].</summary>
    private Tensor ByHead(Tensor x) => x.unflatten(x.dim() - 1, Heads, x.shape[^1] / Heads).transpose(-2, -3);

    /// <summary>[count, d]: the sines of r · 10000^(−2 i / d), then the cosines (§3.3, as Vaswani et al. 2017, §3.5).</summary>
    private static Tensor Sinusoids(int count, int dimension)
    {
        var (values, sines) = (new float[count * dimension], (dimension + 1) / 2);
        for (var i = 0; i < values.Length; i++)
        {
            var (distance, cell) = Math.DivRem(i, dimension);
            var angle = distance * Math.Pow(10_000, -2.0 * (cell % sines) / dimension);
            values[i] = (float)(cell < sines ? Math.Sin(angle) : Math.Cos(angle));
        }

        return tensor(values, count, dimension);
    }
}
