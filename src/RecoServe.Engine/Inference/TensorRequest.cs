using System.Globalization;

namespace RecoServe.Engine.Inference;

/// <summary>Checked tensors of one request, in the order of the graph's inputs, and which outputs are wanted.</summary>
internal sealed class TensorRequest
{
    /// <exception cref="InvalidRequestException">Names the tensor that is missing, unknown, or of another type, shape or size.</exception>
    internal TensorRequest(GraphSignature signature, IReadOnlyList<TensorData> inputs, IReadOnlyList<string> outputs)
    {
        Signature = signature;
        Inputs = InOrder(signature, inputs);
        Outputs = outputs.Count == 0 ? [.. Enumerable.Range(0, signature.Outputs.Count)] : [.. outputs.Select(IndexOf)];
        if (Outputs.Distinct().Count() < Outputs.Count)
            throw new InvalidRequestException("outputs", "each output can be asked for once");
        OutputNames = [.. Outputs.Select(o => signature.Outputs[o].Name)];
        for (var i = 0; i < Inputs.Count; i++)
            Check(signature.Inputs[i], Inputs[i]);
        Rows = signature.IsBatched ? CountRows() : 1;
        ElementsOfRow = [.. Inputs.Select(t => Elements(t.Shape) / Rows)];
        Cells = (int)Math.Clamp(ElementsOfRow.Sum(), 1, 1 << 30);
        Bytes = Inputs.Sum(t => t.Data.Length + (t.Strings?.Sum(s => s.Length + 16L) ?? 0)) / Rows;
    }

    internal GraphSignature Signature { get; }

    internal IReadOnlyList<TensorData> Inputs { get; }

    /// <summary>Places of the wanted outputs in the signature.</summary>
    internal IReadOnlyList<int> Outputs { get; }

    internal IReadOnlyList<string> OutputNames { get; }

    /// <summary>Rows of every tensor; 1 if the graph is not batched.</summary>
    internal int Rows { get; }

    /// <summary>Elements of a row, by input.</summary>
    internal IReadOnlyList<long> ElementsOfRow { get; }

    /// <summary>Elements of a row in all inputs.</summary>
    internal int Cells { get; }

    /// <summary>Memory of a row.</summary>
    internal long Bytes { get; }

    /// <summary>For its rows, of which many may end without an answer.</summary>
    internal ShedOnce ShedOnce { get; } = new();

    /// <summary>Whether rows of both can be computed in one run.</summary>
    internal bool Joins(TensorRequest other) => ReferenceEquals(this, other)
        || (Outputs.SequenceEqual(other.Outputs) && Inputs.Zip(other.Inputs).All(t => RowShape(t.First.Shape).SequenceEqual(RowShape(t.Second.Shape))));

    /// <summary>The shape of so many rows of an input.</summary>
    internal long[] ShapeOf(int input, int rows) => Signature.IsBatched ? [rows, .. Inputs[input].Shape.Skip(1)] : [.. Inputs[input].Shape];

    /// <summary>Sizes in words, for messages.</summary>
    internal static string Text(IEnumerable<long> shape) => $"[{string.Join(", ", shape.Select(s => s.ToString(CultureInfo.InvariantCulture)))}]";

    private static long Elements(IEnumerable<long> shape) => shape.Aggregate(1L, (product, size) => checked(product * size));

    private static TensorData[] InOrder(GraphSignature signature, IReadOnlyList<TensorData> inputs)
    {
        var names = string.Join(", ", signature.Inputs.Select(i => i.Name));
        if (inputs.FirstOrDefault(t => signature.Inputs.All(i => i.Name != t.Name)) is { } stranger)
            throw new InvalidRequestException("inputs", $"the model has no input \"{stranger.Name}\"; its inputs are: {names}");
        return [.. signature.Inputs.Select(spec => inputs.Count(t => t.Name == spec.Name) switch
        {
            1 => inputs.First(t => t.Name == spec.Name),
            0 => throw new InvalidRequestException("inputs", $"\"{spec.Name}\" is missing; the model's inputs are: {names}"),
            _ => throw new InvalidRequestException("inputs", $"\"{spec.Name}\" is there more than once"),
        })];
    }

    private static void Check(TensorSpec spec, TensorData tensor)
    {
        var field = $"inputs[{spec.Name}]";
        if (tensor.Type != spec.Type)
            throw new InvalidRequestException(field, $"has elements of type {TensorData.NameOf(tensor.Type)}, the model reads {TensorData.NameOf(spec.Type)}");
        var fits = tensor.Shape.Count == spec.Shape.Count && tensor.Shape.Zip(spec.Shape).All(s => s.First >= 0 && (s.Second < 0 || s.First == s.Second));
        if (!fits)
            throw new InvalidRequestException(field, $"has shape {Text(tensor.Shape)}, the model reads {Text(spec.Shape)}, where -1 is any size");
        CheckSize(field, tensor);
    }

    private static void CheckSize(string field, TensorData tensor)
    {
        try
        {
            var elements = Elements(tensor.Shape);
            var size = tensor.Strings is null ? TensorData.SizeOf(tensor.Type) : 1;
            var actual = tensor.Strings?.Count ?? tensor.Data.Length;
            if (actual % size != 0)
                throw new InvalidRequestException(field, $"has {actual} bytes, elements of type {TensorData.NameOf(tensor.Type)} have {size}");
            if (actual / size != elements)
                throw new InvalidRequestException(field, $"has {actual / size} elements; shape {Text(tensor.Shape)} needs {elements}");
        }
        catch (OverflowException)
        {
            throw new InvalidRequestException(field, $"has shape {Text(tensor.Shape)}, which no memory holds");
        }
    }

    private IEnumerable<long> RowShape(IReadOnlyList<long> shape) => shape.Skip(Signature.IsBatched ? 1 : 0);

    private int CountRows()
    {
        var rows = Inputs[0].Shape[0];
        if (rows is < 1 or > int.MaxValue)
            throw new InvalidRequestException($"inputs[{Inputs[0].Name}]", $"has shape {Text(Inputs[0].Shape)}: there must be at least one row");
        if (Inputs.FirstOrDefault(t => t.Shape[0] != rows) is { } other)
            throw new InvalidRequestException($"inputs[{other.Name}]", $"has {other.Shape[0]} rows, \"{Inputs[0].Name}\" has {rows}");
        return (int)rows;
    }

    private int IndexOf(string output)
    {
        for (var i = 0; i < Signature.Outputs.Count; i++)
        {
            if (Signature.Outputs[i].Name == output)
                return i;
        }

        throw new InvalidRequestException("outputs", $"the model has no output \"{output}\"; its outputs are: {string.Join(", ", Signature.Outputs.Select(o => o.Name))}");
    }
}
