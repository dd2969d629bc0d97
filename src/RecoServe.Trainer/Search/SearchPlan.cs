using System.Text.Json;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Configuration;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Search;

/// <summary>
/// What decides the results of a search besides the trials' values, by name: kept as <c>search.json</c> beside them, as rows of another search are
/// none of this one's.
/// </summary>
internal static class SearchPlan
{
    /// <summary>The plan in words.</summary>
    /// <param name="method"><c>random</c> or <c>halving</c>.</param>
    /// <param name="rungs">Epochs of each rung; null: as fit decides.</param>
    /// <param name="eta">One of so many goes on.</param>
    /// <param name="fit">What all trials have in common.</param>
    public static Dictionary<string, string> Of(string method, IReadOnlyList<int?> rungs, int eta, IEnumerable<ConfigSetting> fit)
    {
        var plan = fit.ToDictionary(setting => $"fit: {setting.Name}", setting => string.Join(' ', setting.Values));
        plan["--method"] = method;
        if (rungs.Count > 1 || rungs[0] is not null)
            (plan["epochs of the rungs"], plan["--eta"]) = (string.Join(' ', rungs), $"{eta}");
        return plan;
    }

    /// <summary>Refuses to go on with another plan than a search began with, or writes the plan where there is none, as in folders of earlier builds.</summary>
    /// <param name="path">The file.</param>
    /// <param name="plan">What is asked for now.</param>
    /// <exception cref="DataException">Names what differs, or the file is damaged.</exception>
    public static void Require(string path, Dictionary<string, string> plan)
    {
        if (!File.Exists(path))
        {
            WholeFile.Write(path, JsonSerializer.Serialize(plan, RunJson.Default.DictionaryStringString) + "\n");
            return;
        }

        var before = Read(path);
        var differences = before.Keys.Union(plan.Keys)
            .Select(name => (Name: name, Then: before.GetValueOrDefault(name, "none"), Now: plan.GetValueOrDefault(name, "none")))
            .Where(d => d.Then != d.Now)
            .Select(d => $"{d.Name} was {d.Then}, and is {d.Now}")
            .ToList();
        if (differences.Count > 0)
            throw new DataException($"{path}: is of another search: {string.Join("; ", differences)}; name another folder");
    }

    private static Dictionary<string, string> Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), RunJson.Default.DictionaryStringString) ?? throw new DataException($"{path}: is no plan of a search");
        }
        catch (JsonException e)
        {
            throw new DataException($"{path}: is no plan of a search: {e.Message}", e);
        }
    }
}
