using RecoServe.Trainer.Data;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace RecoServe.Trainer.Configuration;

/// <summary>A YAML file whose content is one mapping.</summary>
internal static class YamlFile
{
    /// <summary>The entries of the mapping in the file's order; none for an empty file.</summary>
    /// <exception cref="DataException">The file is absent, not YAML, or no mapping; names the line.</exception>
    public static IReadOnlyList<KeyValuePair<YamlNode, YamlNode>> Read(string path)
    {
        if (!File.Exists(path))
            throw new DataException($"{path}: there is no such file");
        var stream = new YamlStream();
        try
        {
            using var reader = new StreamReader(path);
            stream.Load(reader);
        }
        catch (YamlException e)
        {
            throw new DataException($"{path} line {e.Start.Line}: {e.InnerException?.Message ?? e.Message}", e);
        }

        return stream.Documents switch
        {
            [] => [],
            [{ RootNode: YamlMappingNode mapping }] => [.. mapping.Children],
            [{ RootNode: var root }] => throw new DataException($"{path} line {root.Start.Line}: must be lines of \"name: value\""),
            _ => throw new DataException($"{path} line {stream.Documents[1].RootNode.Start.Line}: must be one document"),
        };
    }
}
