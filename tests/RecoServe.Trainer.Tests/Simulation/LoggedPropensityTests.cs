using System.Text.Json;

namespace RecoServe.Trainer.Tests.Simulation;

/// <summary>Computes every logged propensity again from the files alone: tables and truth.json.</summary>
[Collection(WrittenLogCollection.Name)]
public sealed class LoggedPropensityTests(WrittenLog log)
{
    [Fact]
    public void Impressions_Propensities_FollowFromTheFiles()
    {
        var items = log.Query(
            "SELECT item_id, category, language, release_day FROM {items}",
            r => new Item(r.GetString(0), r.GetString(1), r.GetString(2), r.GetInt32(3)));
        var watches = log.Query(
            "SELECT user_id, item_id, timestamp FROM {watches}",
            r => (User: r.GetString(0), Item: r.GetString(1), Time: r.GetInt64(2))).ToLookup(w => w.User);
        var languages = log.Query("SELECT user_id, languages FROM {users}", r => (User: r.GetString(0), Languages: r.GetString(1)))
            .ToDictionary(u => u.User, u => u.Languages.Split('|'));
        var slates = log.Query(
            "SELECT impression_id, user_id, timestamp, item_id, propensity FROM {impressions} ORDER BY impression_id, slot",
            r => (Id: r.GetString(0), User: r.GetString(1), Time: r.GetInt64(2), Item: r.GetString(3), Propensity: r.GetDouble(4)))
            .GroupBy(i => i.Id).Where((_, n) => n % 10 == 0).ToList();
        var policy = new Policy(log.Truth, items);

        Assert.True(slates.Count > 1000);
        foreach (var slate in slates)
        {
            var (user, time) = (slate.First().User, slate.First().Time);
            var history = watches[user].Where(w => w.Time < time).OrderBy(w => w.Time).Select(w => w.Item).ToList();
            var expected = policy.Propensities([.. slate.Select(s => s.Item)], history, languages[user], time);
            foreach (var (shown, propensity) in slate.Zip(expected))
                Assert.Equal(propensity, shown.Propensity, 1e-12);
        }
    }

    private sealed record Item(string Id, string Category, string Language, int ReleaseDay);

    private sealed class Policy(JsonElement truth, List<Item> items)
    {
        private readonly JsonElement _settings = truth.GetProperty("policy");
        private readonly long _epoch = truth.GetProperty("epoch").GetDateTimeOffset().ToUnixTimeSeconds();
        private readonly double[] _scores = [.. truth.GetProperty("policy_scores").EnumerateArray().Select(s => s.GetDouble())];
        private readonly Dictionary<string, double> _halfLives =
            truth.GetProperty("half_life_days").EnumerateObject().ToDictionary(h => h.Name, h => h.Value.GetDouble());
        private readonly Dictionary<string, int> _indexes = items.Select((item, i) => (item.Id, i)).ToDictionary(p => p.Id, p => p.i);

        public IEnumerable<double> Propensities(string[] slate, List<string> history, string[] languages, long time)
        {
            var day = (int)((time - _epoch) / 86_400);
            var window = _settings.GetProperty("category_window").GetInt32();
            var recent = history.TakeLast(window).CountBy(h => items[_indexes[h]].Category).ToDictionary();
            var weights = items.Select((item, i) => item.ReleaseDay > day || history.Contains(item.Id)
                ? 0
                : Weight(i, day, recent.GetValueOrDefault(item.Category) / (double)window, languages.Contains(item.Language))).ToArray();
            var epsilon = Setting("epsilon");
            foreach (var shown in slate.Select(id => _indexes[id]))
            {
                yield return (epsilon / weights.Count(w => w > 0)) + ((1 - epsilon) * weights[shown] / weights.Sum());
                weights[shown] = 0;
            }
        }

        private double Weight(int item, int day, double share, bool spoken)
        {
            var freshness = Math.Pow(2, (items[item].ReleaseDay - day) / _halfLives[items[item].Category]);
            var score = _scores[item] + (Setting("recency") * freshness) + (Setting("category_match") * share)
                + (spoken ? Setting("language_match") : 0);
            return Math.Exp(score / Setting("temperature"));
        }

        private double Setting(string name) => _settings.GetProperty(name).GetDouble();
    }
}
