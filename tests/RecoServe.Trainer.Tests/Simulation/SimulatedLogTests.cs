using System.Text.Json;

namespace RecoServe.Trainer.Tests.Simulation;

[Collection(WrittenLogCollection.Name)]
public sealed class SimulatedLogTests(WrittenLog log)
{
    /// <summary>What holds of every row, with a query that counts the exceptions.</summary>
    public static TheoryData<string, string> Rules => new()
    {
        {
            "every watch is of a known item by a known user",
            """
            SELECT count(*) FROM {watches} WHERE item_id NOT IN (SELECT item_id FROM {items}) OR user_id NOT IN
            (SELECT user_id FROM {users})
            """
        },
        {
            "every item shown is known",
            """
            SELECT count(*) FROM {impressions} WHERE item_id NOT IN (SELECT item_id FROM {items})
            """
        },
        {
            "ids are unique",
            """
            SELECT (SELECT count(*) - count(DISTINCT item_id) FROM {items}) + (SELECT count(*) - count(DISTINCT
            user_id) FROM {users})
            """
        },
        {
            "watches are in order of user and time, no two at once",
            """
            SELECT count(*) FROM (SELECT timestamp - lag(timestamp) OVER (PARTITION BY user_id) AS gap, user_id
            < lag(user_id) OVER () AS back FROM {watches}) WHERE gap <= 0 OR back
            """
        },
        {
            "all times are within the log",
            """
            SELECT count(*) FROM {watches} WHERE timestamp NOT BETWEEN epoch(TIMESTAMP '2026-01-05') AND
            epoch(TIMESTAMP '2026-01-19') - 1
            """
        },
        {
            "the hour is the timestamp's",
            """
            SELECT count(*) FROM {watches} WHERE hour <> timestamp // 3600 % 24
            """
        },
        {
            "nothing is watched twice",
            """
            SELECT count(*) FROM (SELECT 1 FROM {watches} GROUP BY user_id, item_id HAVING count(*) > 1)
            """
        },
        {
            "nothing is watched before its release",
            """
            SELECT count(*) FROM {watches} JOIN {items} USING (item_id) WHERE release_day > (timestamp -
            epoch(TIMESTAMP '2026-01-05')) // 86400
            """
        },
        {
            "fractions are of the duration",
            """
            SELECT count(*) FROM {watches} JOIN {items} USING (item_id) WHERE watch_seconds < 1 OR
            watch_fraction > 1 OR abs(watch_fraction - watch_seconds / duration_seconds) > 1e-12
            """
        },
        {
            "the country is the user's, the device one of theirs",
            """
            SELECT count(*) FROM {watches} w JOIN {users} u USING (user_id) WHERE w.country <> u.country OR NOT
            list_contains(string_split(devices, '|'), device)
            """
        },
        {
            "slots count from 1 without a gap",
            """
            SELECT count(*) FROM (SELECT 1 FROM {impressions} GROUP BY impression_id HAVING min(slot) <> 1 OR
            max(slot) <> count(*) OR count(DISTINCT item_id) <> count(*) OR count(*) NOT BETWEEN 5 AND 10)
            """
        },
        {
            "at most one item of a slate is watched",
            """
            SELECT count(*) FROM (SELECT 1 FROM {impressions} GROUP BY impression_id HAVING count(*) FILTER
            (watched) > 1)
            """
        },
        {
            "a watch from a slate is what the slate says",
            """
            SELECT count(*) FROM {watches} w FULL JOIN (FROM {impressions} WHERE watched) i USING
            (impression_id, user_id, item_id, timestamp, device, country, hour) WHERE (w.source = 'slate' OR
            i.slot IS NOT NULL) AND (w.source IS NULL OR i.slot IS NULL)
            """
        },
        {
            "only watches from slates have an impression",
            """
            SELECT count(*) FROM {watches} WHERE (source = 'slate') <> (impression_id IS NOT NULL)
            """
        },
    };

    [Theory]
    [InlineData(
        "watches",
        "user_id VARCHAR, item_id VARCHAR, timestamp BIGINT, device VARCHAR, country VARCHAR, hour INTEGER, "
        + "watch_fraction DOUBLE, watch_seconds INTEGER, source VARCHAR, impression_id VARCHAR")]
    [InlineData(
        "impressions",
        "impression_id VARCHAR, user_id VARCHAR, timestamp BIGINT, slot INTEGER, item_id VARCHAR, propensity DOUBLE, "
        + "device VARCHAR, country VARCHAR, hour INTEGER, watched BOOLEAN")]
    [InlineData(
        "items",
        "item_id VARCHAR, title VARCHAR, category VARCHAR, channel VARCHAR, language VARCHAR, premium BOOLEAN, "
        + "duration_seconds INTEGER, release_day INTEGER, series VARCHAR")]
    [InlineData(
        "users",
        "user_id VARCHAR, country VARCHAR, languages VARCHAR, devices VARCHAR")]
    public void Tables_Columns_AreAsDocumented(string table, string columns) =>
        Assert.Equal(columns, string.Join(", ", log.Query($"DESCRIBE FROM {{{table}}}", r => $"{r.GetString(0)} {r.GetString(1)}")));

    [Fact]
    public void Truth_Counts_AreThoseOfTheTables()
    {
        var counts = log.Truth.GetProperty("counts");
        Assert.Equal(1500, log.Number("SELECT count(*) FROM {users}"));
        Assert.Equal(600, log.Number("SELECT count(*) FROM {items}"));
        Assert.Equal(counts.GetProperty("watches").GetInt64(), log.Number("SELECT count(*) FROM {watches}"));
        Assert.Equal(counts.GetProperty("slates").GetInt64(), log.Number("SELECT count(DISTINCT impression_id) FROM {impressions}"));
        Assert.Equal(counts.GetProperty("impressions").GetInt64(), log.Number("SELECT count(*) FROM {impressions}"));
        Assert.Equal(log.Counts.Watches, counts.GetProperty("watches").GetInt64());
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Tables_Rule_HasNoExceptions(string rule, string exceptions) =>
        Assert.True(log.Number(exceptions) == 0, $"{log.Number(exceptions)} exceptions: {rule}");

    [Fact]
    public void Watches_PerUser_MedianAndTailAreBelievable()
    {
        Assert.InRange(log.Number("SELECT median(n) FROM (SELECT count(*) AS n FROM {watches} GROUP BY user_id)"), 10, 20);
        Assert.InRange(log.Number("SELECT max(n) FROM (SELECT count(*) AS n FROM {watches} GROUP BY user_id)"), 50, 60);
    }

    [Fact]
    public void Watches_NextCategory_FollowsThePrevious()
    {
        const string pairs = """
            (SELECT category, lag(category) OVER (PARTITION BY user_id ORDER BY timestamp) AS before
             FROM {watches} JOIN {items} USING (item_id))
            """;
        var same = log.Number($"SELECT avg((category = before)::INT) FROM {pairs}");
        var byChance = log.Number("""
            SELECT sum(p * p)
            FROM (SELECT count(*) / sum(count(*)) OVER () AS p FROM {watches} JOIN {items} USING (item_id) GROUP BY category)
            """);

        Assert.InRange(same, 4 * byChance, 0.8);
    }

    [Fact]
    public void Watches_Episodes_ContinueTheirSeries()
    {
        const string pairs = """
            (SELECT series, lag(series) OVER (PARTITION BY user_id ORDER BY timestamp) AS before
             FROM {watches} JOIN {items} USING (item_id))
            """;
        Assert.InRange(log.Number($"SELECT avg(coalesce(series = before, FALSE)::INT) FROM {pairs} WHERE before IS NOT NULL"), 0.25, 0.7);
    }

    [Fact]
    public void Watches_Premium_AFifthOfTheItemsAndAroundThatOfTheWatches()
    {
        Assert.Equal(0.2, log.Number("SELECT avg(premium::INT) FROM {items}"), 0.01);
        Assert.InRange(log.Number("SELECT avg(premium::INT) FROM {watches} JOIN {items} USING (item_id)"), 0.12, 0.35);
    }

    [Fact]
    public void Watches_Device_TellsAboutTheCategory()
    {
        var rows = log.Query(
            "SELECT device, category, count(*) FROM {watches} JOIN {items} USING (item_id) GROUP BY ALL",
            r => (Device: r.GetString(0), Category: r.GetString(1), Count: (double)r.GetInt64(2)));
        var total = rows.Sum(r => r.Count);
        var byDevice = rows.GroupBy(r => r.Device).ToDictionary(g => g.Key, g => g.Sum(r => r.Count));
        var byCategory = rows.GroupBy(r => r.Category).ToDictionary(g => g.Key, g => g.Sum(r => r.Count));
        var expected = rows.Select(r => byDevice[r.Device] * byCategory[r.Category] / total).ToArray();
        var statistic = rows.Zip(expected).Sum(p => Math.Pow(p.First.Count - p.Second, 2) / p.Second);

        Assert.True(ChiSquare.ZScore(statistic, (byDevice.Count - 1) * (byCategory.Count - 1)) > 10);
    }

    [Fact]
    public void Impressions_Position_EarlierSlotsAreWatchedMore()
    {
        var rates = log.Query("SELECT avg(watched::INT) FROM {impressions} GROUP BY slot ORDER BY slot", r => r.GetDouble(0));
        Assert.True(rates[0] > 1.5 * rates[4], $"slot 1 {rates[0]:F3}, slot 5 {rates[4]:F3}");
    }

    // For any policy, the mean over first slots of 1 / propensity is the mean number of videos it could have shown.
    [Fact]
    public void Impressions_InversePropensities_CountTheOpenVideos()
    {
        var inverse = log.Query("SELECT 1 / propensity FROM {impressions} WHERE slot = 1", r => r.GetDouble(0));
        var open = log.Number("""
            SELECT avg((SELECT count(*) FROM {items} WHERE release_day <= (i.timestamp - epoch(TIMESTAMP '2026-01-05')) // 86400)
                - (SELECT count(*) FROM {watches} w WHERE w.user_id = i.user_id AND w.timestamp < i.timestamp))
            FROM {impressions} i WHERE slot = 1
            """);
        var mean = inverse.Average();
        var error = Math.Sqrt(inverse.Average(v => (v - mean) * (v - mean)) / inverse.Count);

        Assert.InRange((mean - open) / error, -4, 4);
    }

    [Fact]
    public void DemoUsers_AreUsersOfTheLogWithDifferentTastes()
    {
        var users = JsonDocument.Parse(File.ReadAllBytes(log.PathOf("demo_users.json"))).RootElement.EnumerateArray().ToList();
        Assert.Equal(12, users.Count);
        var favourites = new HashSet<string>();
        foreach (var user in users)
        {
            var id = user.GetProperty("user_id").GetString();
            var expected = WatchesOf(user.GetProperty("user_id").GetString()!);
            var history = user.GetProperty("history").EnumerateArray()
                .Select(w => (Text(w, "item_id"), Text(w, "title"), w.GetProperty("watched_at").GetDateTimeOffset().ToUnixTimeSeconds()));

            Assert.InRange(expected.Count, 8, 20);
            Assert.Equal(expected.Select(e => (e.Item, e.Title, e.At)), history);
            Assert.Equal((expected[^1].Device, expected[^1].Country), (Text(user, "device"), Text(user, "country")));
            favourites.Add(expected.CountBy(e => e.Category).MaxBy(c => c.Value).Key);
        }

        Assert.Equal(12, favourites.Count);
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private List<(string Item, string Title, long At, string Category, string Device, string Country)> WatchesOf(string user) => log.Query(
        $"""
        SELECT item_id, title, timestamp, category, device, country
        FROM {"{watches}"} JOIN {"{items}"} USING (item_id) WHERE user_id = '{user}' ORDER BY timestamp
        """,
        r => (r.GetString(0), r.GetString(1), r.GetInt64(2), r.GetString(3), r.GetString(4), r.GetString(5)));
}
