using System.Globalization;
using RecoServe.Trainer.Data;
using YamlDotNet.RepresentationModel;

namespace RecoServe.Trainer.Search;

/// <summary>One option that a search varies: a list of choices, or a range of numbers.</summary>
internal sealed class SearchDimension
{
    private readonly string[]? _choices;
    private readonly double _from;
    private readonly double _to;
    private readonly bool _isLog;
    private readonly bool _isInteger;

    private SearchDimension(string name, int line, string[]? choices, double from, double to, bool isLog, bool isInteger) =>
        (Name, Line, _choices, _from, _to, _isLog, _isInteger) = (name, line, choices, from, to, isLog, isInteger);

    /// <summary>The option's name without its dashes.</summary>
    public string Name { get; }

    /// <summary>Where it stands in the file.</summary>
    public int Line { get; }

    /// <summary>Reads an entry: <c>[a, b, c]</c>, or <c>{from: A, to: B, scale: linear|log}</c>; a range of whole numbers gives whole numbers.</summary>
    /// <exception cref="DataException">It is neither; names the line.</exception>
    public static SearchDimension Read(string path, YamlNode key, YamlNode value)
    {
        var (name, line) = (key.ToString(), (int)key.Start.Line);
        if (value is YamlSequenceNode { Children.Count: > 0 } list && list.All(node => node is YamlScalarNode { Value.Length: > 0 }))
            return new SearchDimension(name, line, [.. list.Select(node => ((YamlScalarNode)node).Value!)], 0, 0, false, false);
        var fault = new DataException($"{path} line {line}: {name} must be a list of choices, or a range {{from: A, to: B, scale: linear|log}} with A < B, above 0 for log");
        if (value is not YamlMappingNode range)
            throw fault;
        var fields = range.Children.ToDictionary(f => f.Key.ToString(), f => f.Value.ToString());
        var isLog = fields.GetValueOrDefault("scale", "linear") == "log";
        var known = fields.Keys.All(k => k is "from" or "to" or "scale") && fields.GetValueOrDefault("scale", "linear") is "linear" or "log";
        if (!known || !Number(fields, "from", out var from) || !Number(fields, "to", out var to) || from >= to || (isLog && from <= 0))
            throw fault;
        return new SearchDimension(name, line, null, from, to, isLog, IsWhole(fields["from"]) && IsWhole(fields["to"]));
    }

    /// <summary>Draws a value, all choices alike, or uniformly on the scale; of real numbers four digits.</summary>
    public string Draw(Random random)
    {
        if (_choices is not null)
            return _choices[random.Next(_choices.Length)];
        // Whole numbers: both ends with a whole share.
        var (low, high) = _isInteger ? (_from - (_isLog ? 0 : 0.5), _to + (_isLog ? 0 : 0.5)) : (_from, _to);
        var u = random.NextDouble();
        var value = _isLog ? Math.Exp(Math.Log(low) + (u * Math.Log(high / low))) : low + (u * (high - low));
        return _isInteger
            ? Math.Clamp(Math.Round(value), _from, _to).ToString(CultureInfo.InvariantCulture)
            : value.ToString("G4", CultureInfo.InvariantCulture);
    }

    private static bool Number(Dictionary<string, string> fields, string key, out double value)
    {
        value = 0;
        return fields.TryGetValue(key, out var text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
    }

    private static bool IsWhole(string text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);
}
