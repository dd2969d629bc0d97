using RecoServe.Trainer.Configuration;
using RecoServe.Trainer.Data;
using YamlDotNet.RepresentationModel;

namespace RecoServe.Trainer.Search;

/// <summary>
/// What a search varies: a YAML file with <c>fit</c>, options of fit as in its config file, and <c>space</c>, options with
/// the values to draw from.
/// </summary>
/// <param name="path">The file, for messages.</param>
/// <param name="fit">What all trials have in common.</param>
/// <param name="dimensions">What they differ in.</param>
internal sealed class SearchSpace(string path, IReadOnlyList<ConfigSetting> fit, IReadOnlyList<SearchDimension> dimensions)
{
    /// <summary>How often a setting that was drawn before is drawn again: a space can be smaller than the number of trials.</summary>
    private const int Redraws = 100;

    /// <summary>What all trials have in common.</summary>
    public IReadOnlyList<ConfigSetting> Fit { get; } = fit;

    /// <summary>What trials differ in.</summary>
    public IReadOnlyList<SearchDimension> Dimensions { get; } = dimensions;

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataException">It is no search space; names the line.</exception>
    public static SearchSpace Read(string path)
    {
        List<ConfigSetting> fit = [];
        List<SearchDimension> dimensions = [];
        foreach (var (key, value) in YamlFile.Read(path))
        {
            if (key.ToString() is not ("fit" or "space") || value is not YamlMappingNode entries)
                throw new DataException($"{path} line {key.Start.Line}: a search space has fit and space, each with options below; not {key}");
            foreach (var entry in entries.Children)
            {
                if (key.ToString() == "fit")
                    fit.Add(ConfigFile.Setting(path, entry.Key, entry.Value));
                else
                    dimensions.Add(SearchDimension.Read(path, entry.Key, entry.Value));
            }
        }

        if (dimensions.Count == 0)
            throw new DataException($"{path}: space is empty; a search needs an option to vary");
        return new SearchSpace(path, fit, dimensions);
    }

    /// <summary>Draws trials, different ones as long as there are enough.</summary>
    public IReadOnlyList<Trial> Draw(int count, int seed)
    {
        var random = new Random(seed);
        var seen = new HashSet<string>();
        List<Trial> trials = [];
        while (trials.Count < count)
        {
            string[] values = [];
            var isNew = false;
            for (var draw = 0; draw < Redraws && !isNew; draw++)
            {
                values = [.. Dimensions.Select(dimension => dimension.Draw(random))];
                isNew = seen.Add(string.Join('\n', values));
            }

            if (!isNew)
                break;
            trials.Add(new Trial(trials.Count + 1, values));
        }

        return trials;
    }

    /// <summary>The settings of one trial, as a config file would have them.</summary>
    public ConfigFile ConfigOf(Trial trial)
    {
        var varied = Dimensions.Zip(trial.Values, (dimension, value) => new ConfigSetting(dimension.Name, [value], dimension.Line)).ToList();
        return new ConfigFile(path, [.. Fit.Where(setting => varied.TrueForAll(v => v.Name != setting.Name)), .. varied]);
    }
}
