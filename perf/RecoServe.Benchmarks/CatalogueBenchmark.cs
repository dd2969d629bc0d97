using System.Globalization;
using BenchmarkDotNet.Attributes;
using RecoServe.Engine.Packages;

namespace RecoServe.Benchmarks;

/// <summary>Ids of a history to indexes and those of a slate back, beside a dictionary and an array of strings; and what each allocates to be read.</summary>
[MemoryDiagnoser]
public class CatalogueBenchmark : IDisposable
{
    private const int History = 50;
    private const int Slate = 20;

    private readonly string _path = Path.GetTempFileName();
    private Catalogue? _catalogue;
    private Dictionary<string, int> _indexes = [];
    private string[] _ids = [];
    private string[] _history = [];
    private int[] _slate = [];

    /// <summary>Items.</summary>
    [Params(3_197, 1_000_000)]
    public int Items { get; set; }

    /// <summary>Writes a catalogue and reads it both ways.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        File.WriteAllLines(_path, Enumerable.Range(1, Items).Select(i => i.ToString("d8", CultureInfo.InvariantCulture)).Prepend("item_id"));
        (_catalogue, (_ids, _indexes)) = (Catalogue.Read(_path, Items), ReadStrings());
        // Strings of their own, as a request's are.
        _history = [.. Enumerable.Range(0, History).Select(_ => string.Concat(_ids[random.Next(1, Items + 1)], ""))];
        _slate = [.. Enumerable.Range(0, Slate).Select(_ => random.Next(1, Items + 1))];
        if (Array.Exists(_history, id => !_catalogue.TryGetIndex(id, out var index) || index != _indexes[id]))
            throw new InvalidOperationException("the catalogue and the dictionary disagree");
    }

    /// <summary>A request's ids, by a dictionary and an array.</summary>
    [Benchmark(Baseline = true)]
    public int Strings()
    {
        var sum = 0;
        foreach (var id in _history)
            sum += _indexes[id];
        foreach (var item in _slate)
            sum += _ids[item].Length;
        return sum;
    }

    /// <summary>The same by the catalogue.</summary>
    [Benchmark]
    public int ByCatalogue()
    {
        var sum = 0;
        foreach (var id in _history)
            sum += _catalogue!.TryGetIndex(id, out var index) ? index : 0;
        foreach (var item in _slate)
            sum += _catalogue!.IdOf(item).Length;
        return sum;
    }

    /// <summary>Reads the file into strings.</summary>
    [Benchmark]
    public object ReadStringsAgain() => ReadStrings();

    /// <summary>Reads the catalogue.</summary>
    [Benchmark]
    public Catalogue ReadCatalogue() => Catalogue.Read(_path, Items);

    /// <summary>Removes the file.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        File.Delete(_path);
        GC.SuppressFinalize(this);
    }

    private (string[] Ids, Dictionary<string, int> Indexes) ReadStrings()
    {
        var ids = new string[Items + 1];
        ids[0] = "";
        var indexes = new Dictionary<string, int>(Items, StringComparer.Ordinal);
        foreach (var (i, id) in File.ReadLines(_path).Index().Skip(1))
            indexes.Add(ids[i] = id, i);
        return (ids, indexes);
    }
}
