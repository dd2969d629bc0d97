using System.Runtime.InteropServices;
using Google.Protobuf;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Onnx;

namespace RecoServe.Testing;

/// <summary>
/// A small real model package, written without libtorch: user state = sum of the history's item rows (+ a row for the
/// context value), logits = state · item matrixᵀ + bias. What it must answer can be computed by hand.
/// </summary>
public sealed record TestModel
{
    public string Name { get; init; } = "toy";

    public int ItemCount { get; init; } = 20;

    public int Dimension { get; init; } = 4;

    public int MaxHistory { get; init; } = 10;

    public int Seed { get; init; } = 1;

    /// <summary>Value of the one context field, if the model shall read one; its key is "device".</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>Whether the model reads time gaps: it adds a row for each.</summary>
    public bool TimeGaps { get; init; }

    /// <summary>Whether the model reads the device of each watch: it adds a row for each.</summary>
    public bool HistoryContext { get; init; }

    public IReadOnlyDictionary<string, IReadOnlyList<string>> Attributes { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>Entries of the item matrix; default: seeded normal numbers.</summary>
    public Func<int, int, float>? Row { get; init; }

    /// <summary>Biases of items 1…N; default: seeded normal numbers.</summary>
    public Func<int, float>? Bias { get; init; }

    /// <summary>Items above this index make the native run fail.</summary>
    public int? PoisonAbove { get; init; }

    /// <summary>Whether the first value of "device" makes every logit NaN: the probe does not ask with it.</summary>
    public bool FirstDeviceIsNaN { get; init; }

    /// <summary>Changes the probe before it is written.</summary>
    public Func<GoldenProbe, GoldenProbe> Probe { get; init; } = p => p;

    public static string IdOf(int item) => $"i{item}";

    public float[] Matrix()
    {
        var random = new Random(Seed);
        var matrix = new float[(ItemCount + 1) * Dimension];
        for (var i = 1; i <= ItemCount; i++)
        {
            for (var c = 0; c < Dimension; c++)
                matrix[(i * Dimension) + c] = Row?.Invoke(i, c) ?? (float)((random.NextDouble() * 2) - 1);
        }

        return matrix;
    }

    public float[] Biases()
    {
        var random = new Random(Seed + 1000);
        return [float.NegativeInfinity, .. Enumerable.Range(1, ItemCount).Select(i => Bias?.Invoke(i) ?? (float)((random.NextDouble() * 2) - 1))];
    }

    /// <summary>The logits by definition, in plain C#.</summary>
    public float[] ExpectedLogits(IReadOnlyList<int> history, int device = 0, params int[] gaps)
    {
        var (matrix, bias) = (Matrix(), Biases());
        var state = new float[Dimension];
        foreach (var item in history.TakeLast(MaxHistory))
        {
            for (var c = 0; c < Dimension; c++)
                state[c] += matrix[(item * Dimension) + c];
        }

        for (var c = 0; c < Dimension; c++)
            state[c] += DeviceRow(device, c) + gaps.Sum(gap => GapRow(gap, c));
        var logits = bias.ToArray();
        for (var i = 1; i <= ItemCount; i++)
        {
            for (var c = 0; c < Dimension; c++)
                logits[i] += state[c] * matrix[(i * Dimension) + c];
        }

        return logits;
    }

    /// <summary>Publishes the model and returns the package's directory.</summary>
    public string Publish(string repository, long? version = null) =>
        PackageWriter.Publish(repository, Manifest(), version, WriteFiles, _ => { });

    /// <summary>What a watch on a device adds to every logit: the row of the device, times the item's.</summary>
    public float OfDevice(int device, int item) => Enumerable.Range(0, Dimension).Sum(c => WatchRow(device, c) * Matrix()[(item * Dimension) + c]);

    private static float DeviceRow(int code, int column) => code == 0 ? 0 : 0.25f * code * (column + 1);

    private static float WatchRow(int code, int column) => 0.2f * code * (1 - column);

    private static float GapRow(int code, int column) => 0.1f * code * (2 - column);

    internal static NodeProto Node(string op, string output, params string[] inputs) => new() { OpType = op, Input = { inputs }, Output = { output } };

    internal static AttributeProto Attribute(string name, long value) => new() { Name = name, I = value, Type = AttributeProto.Types.AttributeType.Int };

    internal static ValueInfoProto Value(string name, TensorProto.Types.DataType type, params string[] dims) => new()
    {
        Name = name,
        Type = new TypeProto
        {
            TensorType = new TypeProto.Types.Tensor
            {
                ElemType = (int)type,
                Shape = new TensorShapeProto { Dim = { dims.Select(DimensionOf) } },
            },
        },
    };

    private static TensorShapeProto.Types.Dimension DimensionOf(string size) => long.TryParse(size, out var number)
        ? new TensorShapeProto.Types.Dimension { DimValue = number }
        : new TensorShapeProto.Types.Dimension { DimParam = size };

    internal static TensorProto Floats(string name, float[] data, params long[] dims) => new()
    {
        Name = name,
        DataType = (int)TensorProto.Types.DataType.Float,
        Dims = { dims },
        RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(data.AsSpan())),
    };

    internal static TensorProto Axis(long axis, string name = "axis") => Axes(name, axis);

    private static TensorProto Axes(string name, params long[] axes) => new()
    {
        Name = name,
        DataType = (int)TensorProto.Types.DataType.Int64,
        Dims = { axes.Length },
        RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(axes.AsSpan())),
    };

    private static TensorProto External(string name, string file, params long[] dims) => new()
    {
        Name = name,
        DataType = (int)TensorProto.Types.DataType.Float,
        Dims = { dims },
        DataLocation = TensorProto.Types.DataLocation.External,
        ExternalData = { new StringStringEntryProto { Key = "location", Value = file } },
    };

    internal static void Write(string path, GraphProto graph)
    {
        var model = new ModelProto { IrVersion = 8, Graph = graph, OpsetImport = { new OperatorSetIdProto { Version = 17 } } };
        Save(path, model);
    }

    internal static void Save(string path, ModelProto model) => File.WriteAllBytes(path, model.ToByteArray());

    /// <summary>Rewrites a graph so that it says to be of another version of ONNX's operators.</summary>
    public static void SetOpset(string path, long version)
    {
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
        model.OpsetImport[0].Version = version;
        Save(path, model);
    }

    private ModelManifest Manifest() => new()
    {
        Name = Name,
        Version = 0,
        Network = "sum",
        ItemCount = ItemCount,
        Dimension = Dimension,
        MaxHistory = MaxHistory,
        ContextFields = Devices.Count > 0 ? [new ContextField("device", Devices)] : [],
        TimeGaps = TimeGaps,
        HistoryContext = HistoryContext,
        CreatedAt = DateTimeOffset.UnixEpoch,
    };

    private void WriteFiles(string directory)
    {
        var ids = Enumerable.Range(1, ItemCount).Select(IdOf).ToArray();
        Catalogue.Create(ids, Attributes).Write(Path.Combine(directory, PackageFiles.Catalogue));
        File.WriteAllBytes(Path.Combine(directory, PackageFiles.ItemMatrix), MemoryMarshal.AsBytes(Matrix().AsSpan()));
        File.WriteAllBytes(Path.Combine(directory, PackageFiles.ItemBias), MemoryMarshal.AsBytes(Biases().AsSpan()));
        Write(Path.Combine(directory, PackageFiles.Encoder), Encoder());
        Write(Path.Combine(directory, PackageFiles.Scorer), Scorer());
        var probe = Probe(new GoldenProbe { Tolerance = 1e-4f, Cases = [ProbeCase([]), ProbeCase([1, 2])] });
        File.WriteAllText(Path.Combine(directory, PackageFiles.Probe), probe.ToJson());
    }

    private ProbeCase ProbeCase(int[] history)
    {
        var logits = ExpectedLogits(history);
        var max = logits.Max();
        var logSumExp = max + Math.Log(logits.Sum(l => Math.Exp(l - max)));
        return new ProbeCase([.. history.Select(IdOf)], new Dictionary<string, string>(), [new ProbeAnswer(IdOf(1), logits[1])], logSumExp);
    }

    private GraphProto Encoder()
    {
        var graph = new GraphProto
        {
            Name = "encoder",
            Input =
            {
                Value(PackageFiles.ItemsInput, TensorProto.Types.DataType.Int32, "batch", "length"),
                Value(PackageFiles.LengthsInput, TensorProto.Types.DataType.Int32, "batch"),
            },
            Output = { Value(PackageFiles.State, TensorProto.Types.DataType.Float, "batch", "dimension") },
            Initializer = { External(PackageFiles.ItemMatrixInitializer, PackageFiles.ItemMatrix, ItemCount + 1, Dimension), Axis(1) },
            Node = { Node("Gather", "rows", PackageFiles.ItemMatrixInitializer, PackageFiles.ItemsInput), Sum("rows", "sum") },
        };
        var state = "sum";
        if (Devices.Count > 0)
        {
            var table = Enumerable.Range(0, (Devices.Count + 1) * Dimension).Select(i => DeviceRow(i / Dimension, i % Dimension)).ToArray();
            if (FirstDeviceIsNaN)
                table.AsSpan(Dimension, Dimension).Fill(float.NaN);
            graph.Input.Add(Value(PackageFiles.ContextInput, TensorProto.Types.DataType.Int32, "batch", "fields"));
            graph.Initializer.Add(Floats("devices", table, Devices.Count + 1, Dimension));
            graph.Node.Add([Node("Gather", "device_rows", "devices", PackageFiles.ContextInput), Sum("device_rows", "device"), Node("Add", "with_device", state, "device")]);
            state = "with_device";
        }

        if (TimeGaps)
        {
            var table = Enumerable.Range(0, TimeGap.CodeCount * Dimension).Select(i => GapRow(i / Dimension, i % Dimension)).ToArray();
            graph.Input.Add(Value(PackageFiles.GapsInput, TensorProto.Types.DataType.Int32, "batch", "length"));
            graph.Initializer.Add(Floats("gap_table", table, TimeGap.CodeCount, Dimension));
            graph.Node.Add([Node("Gather", "gap_rows", "gap_table", PackageFiles.GapsInput), Sum("gap_rows", "gap_sum"), Node("Add", "with_gaps", state, "gap_sum")]);
            state = "with_gaps";
        }

        if (HistoryContext)
        {
            var table = Enumerable.Range(0, (Devices.Count + 1) * Dimension).Select(i => WatchRow(i / Dimension, i % Dimension)).ToArray();
            graph.Input.Add(Value(PackageFiles.HistoryContextInput, TensorProto.Types.DataType.Int32, "batch", "length", "fields"));
            graph.Initializer.Add([Floats("watch_table", table, Devices.Count + 1, Dimension), Axes("axes", 1, 2)]);
            graph.Node.Add([Node("Gather", "watch_rows", "watch_table", PackageFiles.HistoryContextInput), Sum("watch_rows", "watch_sum", "axes"), Node("Add", "with_watches", state, "watch_sum")]);
            state = "with_watches";
        }

        if (PoisonAbove is { } limit)
        {
            graph.Initializer.Add(Floats("antidote", new float[(limit + 1) * Dimension], limit + 1, Dimension));
            graph.Node.Add([Node("Gather", "doses", "antidote", PackageFiles.ItemsInput), Sum("doses", "dose"), Node("Add", "survived", state, "dose")]);
            state = "survived";
        }

        graph.Node.Add(Node("Identity", PackageFiles.State, state));
        return graph;

        static NodeProto Sum(string from, string to, string axes = "axis")
        {
            var sum = Node("ReduceSum", to, from, axes);
            sum.Attribute.Add(Attribute("keepdims", 0));
            return sum;
        }
    }

    private GraphProto Scorer()
    {
        var gemm = Node("Gemm", PackageFiles.Logits, PackageFiles.State, PackageFiles.ItemMatrixInitializer, PackageFiles.ItemBiasInitializer);
        gemm.Attribute.Add(Attribute("transB", 1));
        return new GraphProto
        {
            Name = "scorer",
            Input = { Value(PackageFiles.State, TensorProto.Types.DataType.Float, "batch", "dimension") },
            Output = { Value(PackageFiles.Logits, TensorProto.Types.DataType.Float, "batch", "columns") },
            Initializer =
            {
                External(PackageFiles.ItemMatrixInitializer, PackageFiles.ItemMatrix, ItemCount + 1, Dimension),
                External(PackageFiles.ItemBiasInitializer, PackageFiles.ItemBias, ItemCount + 1),
            },
            Node = { gemm },
        };
    }
}
