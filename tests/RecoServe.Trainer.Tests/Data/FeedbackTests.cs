using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Tests.Data;

public sealed class FeedbackTests : IDisposable
{
    private const string Log = """
        user_id,item_id,timestamp,tab,watch_fraction,impression_id
        u,a,100,home,0.5,s1
        u,b,200,home,1,
        u,c,300,more,0.25,s3
        v,a,150,more,1,

        """;

    private const string Shown = """
        impression_id,user_id,item_id,timestamp,slot,propensity,tab,watched
        s1,u,b,100,1,0.5,home,false
        s1,u,a,100,2,0.25,home,true
        s2,u,c,250,1,0.125,more,false
        s3,u,a,300,1,0.5,more,false
        s3,u,c,300,2,0.0625,other,true
        s4,w,a,10,1,1,home,false
        s5,u,z,10,1,1,home,false

        """;

    private const string Items = "item_id,category,premium,minutes\na,news,true,10\nb,film,false,100\nc,film,true,50\n";

    private readonly InputFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Read_WithoutAnything_HasNoFeedback() => Assert.Null(Read(new FeedbackOptions()).Feedback);

    [Fact]
    public void Reward_OfWatches_SeesTheLogsAndTheItemsColumns()
    {
        var rows = Read(new FeedbackOptions { Reward = "(1 + 4*premium) * watch_fraction" }).Feedback!.RowsOf(0);
        Assert.Equal([0, 1, 2], rows.Steps.ToArray());
        Assert.Equal([1, 2, 3], rows.Items.ToArray());
        Assert.Equal([2.5f, 1, 1.25f], rows.Rewards.ToArray());
        Assert.Equal([1, 1, 2], rows.Context[0].ToArray());
        Assert.Null(rows.Propensities);
    }

    [Theory]
    [InlineData("least(watch_fraction, 0.5)", 0.5, 0.5, 0.25)]
    [InlineData("watch_fraction > 0.4", 1, 1, 0)]
    [InlineData("CASE WHEN premium THEN 2 ELSE 1 END", 2, 1, 2)]
    [InlineData("premium = true AND minutes < 20", 1, 0, 0)]
    [InlineData("greatest(log10(minutes), 1) -- comment", 1, 2, 1.69897)]
    [InlineData("category = 'film'", 0, 1, 1)]
    public void Reward_IsAnyExpression(string reward, double a, double b, double c) =>
        Assert.Equal([a, b, c], Read(new FeedbackOptions { Reward = reward }).Feedback!.RowsOf(0).Rewards.ToArray().Select(r => (double)r), (x, y) => Math.Abs(x - y) < 1e-5);

    [Theory]
    [InlineData("watch_fractoin", "--reward watch_fractoin: ", "there are the columns user_id, item_id, timestamp, tab, watch_fraction, impression_id, category, premium, minutes")]
    [InlineData("1 +", "--reward 1 +: ", "there are the columns")]
    [InlineData("'much'", "--reward 'much': ", "there are the columns")]
    [InlineData("watch_fraction - 0.5", "log.csv line 4: --reward watch_fraction - 0.5 is -0.25; a reward is a number of 0 or more", "")]
    [InlineData("0/(1 - watch_fraction)", "log.csv line 3: --reward 0/(1 - watch_fraction) is ", "a reward is a number of 0 or more")]
    [InlineData("log10(minutes - 10)", "log10", "")]
    public void Reward_ThatCannotBe_IsRefusedByName(string reward, string start, string end)
    {
        var e = Assert.Throws<DataException>(() => Read(new FeedbackOptions { Reward = reward }));
        Assert.Contains(start, e.Message, StringComparison.Ordinal);
        Assert.Contains(end, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reward_OfItemsThatTheFileLacks_IsRefused()
    {
        var items = _files.Write("few.csv", "item_id,premium\na,1\n");
        var e = Assert.Throws<DataException>(() => Read(new FeedbackOptions { Reward = "premium" }, items));
        Assert.Contains("log.csv line 3: --reward premium is empty", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Impressions_AreSeenFromTheWatchesBeforeThem()
    {
        var log = Read(new FeedbackOptions { Impressions = [_files.Write("shown.csv", Shown)], UsesPropensity = true });
        var rows = log.Feedback!.RowsOf(0);
        Assert.Equal([2, 1, 3, 1, 3], rows.Items.ToArray());
        Assert.Equal([0, 0, 2, 2, 2], rows.Steps.ToArray());
        Assert.Equal([0, 1, 0, 0, 1], rows.Rewards.ToArray());
        Assert.Equal([0.5f, 0.25f, 0.125f, 0.5f, 0.0625f], rows.Propensities!.Value.ToArray());
        Assert.Equal([1, 2, 1, 1, 2], rows.Slots!.Value.ToArray().Select(s => (int)s));
        Assert.Equal([1, 1, 2, 2, 0], rows.Context[0].ToArray().Select(c => (int)c));
        Assert.Equal(0, log.Feedback.RowsOf(1).Count);
        Assert.Equal(5, log.Feedback.RowCount);
        Assert.Equal([3, 1, 3], rows.Between(1, 3).Items.ToArray());
        Assert.Equal([2, 1], rows.Between(0, 1).Items.ToArray());
    }

    [Fact]
    public void Impressions_RewardSeesTheWatchThatCameOfThem()
    {
        var shown = _files.Write("shown.csv", Shown.Replace(",watched", ",seen", StringComparison.Ordinal));
        var rows = Read(new FeedbackOptions { Impressions = [shown], Reward = "watch_fraction * minutes" }).Feedback!.RowsOf(0);
        Assert.Equal([0, 5, 0, 0, 12.5f], rows.Rewards.ToArray());
    }

    [Fact]
    public void Impressions_WithoutASignOfWatching_AreRefused()
    {
        var shown = _files.Write("shown.csv", "user_id,item_id,timestamp,tab\nu,a,100,home\n");
        var e = Assert.Throws<DataException>(() => Read(new FeedbackOptions { Impressions = [shown] }));
        Assert.Contains("there is no column watched, only user_id, item_id, timestamp, tab; name it with --column watched=NAME", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0625", "0", "shown.csv line 6: column propensity is 0; a propensity is above 0 and at most 1")]
    [InlineData("0.0625", "1.5", "shown.csv line 6: column propensity is 1.5")]
    [InlineData("0.0625", "", "shown.csv line 6: column propensity is empty")]
    [InlineData("propensity", "p", "there is no column propensity, only impression_id, user_id, item_id, timestamp, slot, p, tab, watched")]
    [InlineData("0.125,more,false", "0.125,more,click", "shown.csv line 4: column watched: \"click\" is no truth value; it must be true or false, or 1 or 0")]
    [InlineData("s2,u,c,250,1", "s2,u,c,250,0", "shown.csv line 4: column slot is \"0\"; a slot is a whole number of 1 or more")]
    [InlineData("s2,u,c,250,1", "s2,u,c,250,", "shown.csv line 4: column slot is empty; a slot is a whole number of 1 or more")]
    [InlineData("s2,u,c,250,1", "s2,u,c,250,first", "shown.csv line 4: column slot is \"first\"; a slot is a whole number of 1 or more")]
    [InlineData("s2,u,c,250,1", "s2,u,c,250,1.5", "shown.csv line 4: column slot is \"1.5\"; a slot is a whole number of 1 or more")]
    [InlineData("s2,u,c,250", "s2,u,c,soon", "shown.csv line 4: column timestamp: \"soon\" is no time")]
    [InlineData("s2,u,c,250", "s2,u,c,2026-01-01", "shown.csv line 4: column timestamp: \"2026-01-01\" is of another kind")]
    public void Impressions_BadField_NamesTheLine(string from, string to, string message)
    {
        var shown = _files.Write("shown.csv", Shown.Replace(from, to, StringComparison.Ordinal));
        var e = Assert.Throws<DataException>(() => Read(new FeedbackOptions { Impressions = [shown], UsesPropensity = true }));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.csv", "b.csv")]
    [InlineData("b.csv", "a.csv")]
    public void Impressions_SlotsOfSomeFiles_NameThatWithout(string with, string without)
    {
        var (first, second) = (_files.Write(with, Shown), _files.Write(without, Shown.Replace(",slot,", ",place,", StringComparison.Ordinal)));
        var e = Assert.Throws<DataException>(() => Read(new FeedbackOptions { Impressions = [_files.PathOf("a.csv"), _files.PathOf("b.csv")] }));
        Assert.Equal($"{second} line 1: there is no column slot, and {first} has one; all files of impressions must have it, or none", e.Message);
    }

    /// <summary>DuckDB finds dates in the column, which it does not cast to truth values at all.</summary>
    [Fact]
    public void Impressions_WatchedIsADate_IsRefused()
    {
        var shown = _files.Write("shown.csv", "user_id,item_id,timestamp,tab,seen_on\nu,a,100,home,2026-01-01\n");
        var e = Assert.Throws<DataException>(() => WatchLogReader.Read(new DataOptions
        {
            Data = [_files.Write("log.csv", Log)],
            Columns = new Dictionary<string, string> { ["watched"] = "seen_on" },
            Feedback = new FeedbackOptions { Impressions = [shown] },
        }));
        Assert.Equal($"{shown} line 2: column seen_on: \"2026-01-01\" is no truth value; it must be true or false, or 1 or 0", e.Message);
    }

    /// <summary>An empty field says that nobody watched.</summary>
    [Fact]
    public void Impressions_WatchedOfOtherWords_AreRead()
    {
        var shown = _files.Write("shown.csv", Shown.Replace("0.5,home,false", "0.5,home,", StringComparison.Ordinal).Replace(",true", ",1", StringComparison.Ordinal).Replace(",false", ",0", StringComparison.Ordinal));
        Assert.Equal([0, 1, 0, 0, 1], Read(new FeedbackOptions { Impressions = [shown] }).Feedback!.RowsOf(0).Rewards.ToArray());
    }

    [Fact]
    public void Reward_RaggedItems_NameTheLine()
    {
        var items = _files.Write("items.csv", "item_id,premium\na,1\nb,0,7\nc,1\n");
        Assert.Equal($"{items} line 3: has 3 fields, the header has 2", Assert.Throws<DataException>(() => Read(new FeedbackOptions { Reward = "1" }, items)).Message);
    }

    /// <summary>As pandas writes an index, and as people write lists.</summary>
    [Fact]
    public void Reward_ColumnsWithoutNameOrWithBlanks_AreFound()
    {
        var log = WatchLogReader.Read(new DataOptions
        {
            Data = [_files.Write("log.csv", ",user_id,item_id,timestamp, worth\n0,u,a,1,0.5\n1,u,b,2,2\n2,u,c,3,4\n")],
            Where = "column1 < 2",
            Feedback = new FeedbackOptions { Reward = "\" worth\" + column1" },
        });
        Assert.Equal([0.5f, 3], log.Feedback!.RowsOf(0).Rewards.ToArray());
    }

    [Fact]
    public void Impressions_InAnotherUnitThanTheWatches_AreRefused()
    {
        var log = _files.Write("ms.csv", "user_id,item_id,timestamp\nu,a,1767225600000\n");
        var shown = _files.Write("shown.csv", "user_id,item_id,timestamp,watched\nu,a,1767225600,true\n");
        var e = Assert.Throws<DataException>(() => WatchLogReader.Read(new DataOptions { Data = [log], Feedback = new FeedbackOptions { Impressions = [shown] } }));
        Assert.Contains("shown.csv line 2: column timestamp: \"1767225600\", the file's largest, is in seconds", e.Message, StringComparison.Ordinal);
    }

    /// <summary>As numbers, they would be 1.1 and 100000.</summary>
    [Fact]
    public void Reward_ItemsWithIdsThatLookLikeNumbers_AreFound()
    {
        var log = WatchLogReader.Read(new DataOptions
        {
            Data = [_files.Write("numbers.csv", "user_id,item_id,timestamp\nu,1.10,1\nu,1e5,2\nu,1.1,3\n")],
            Items = _files.Write("items.csv", "item_id,premium\n1.10,5\n1e5,7\n1.1,3\n"),
            Feedback = new FeedbackOptions { Reward = "premium" },
        });
        Assert.Equal([5, 7, 3], log.Feedback!.RowsOf(0).Rewards.ToArray());
    }

    /// <summary>One file has a word among its ids, the other numbers alone.</summary>
    [Fact]
    public void Impressions_IdsThatLookLikeNumbers_LeadToTheirWatches()
    {
        var log = WatchLogReader.Read(new DataOptions
        {
            Data = [_files.Write("numbers.csv", "user_id,item_id,timestamp,impression_id\nu,a,5,1.10\nu,b,6,none\n")],
            Feedback = new FeedbackOptions { Impressions = [_files.Write("shown.csv", "user_id,item_id,timestamp,impression_id\nu,a,1,1.10\nu,b,1,1.10\n")] },
        });
        Assert.Equal([1, 0], log.Feedback!.RowsOf(0).Rewards.ToArray());
    }

    [Fact]
    public void Horizon_AddsWhatFollows()
    {
        var options = new FeedbackOptions { Reward = "watch_fraction", HorizonSeconds = 150, Discount = 0.5 };
        Assert.Equal([1, 1.125f, 0.25f], Read(options).Feedback!.RowsOf(0).Rewards.ToArray());

        var long_ = options with { HorizonSeconds = 200, Impressions = [_files.Write("shown.csv", Shown)] };
        Assert.Equal([0, 0.5f + 0.5f + 0.0625f, 0, 0, 0.25f], Read(long_).Feedback!.RowsOf(0).Rewards.ToArray());
    }

    /// <summary>Two files tell of the same display; the log leaves some of their watches out.</summary>
    [Theory]
    [InlineData(null, 1)]
    [InlineData("watch_fraction < 1", 0.25)]
    [InlineData("watch_fraction = 0.75", 0)]
    public void Impressions_LeadToTheEarliestWatchOfTheLog(string? where, double reward)
    {
        const string Header = "user_id,item_id,timestamp,impression_id,watch_fraction\n";
        var log = WatchLogReader.Read(new DataOptions
        {
            Data = [_files.Write("a.csv", Header + "u,a,30,s1,0.5\nu,a,20,s1,0.25\nu,b,40,s1,0.75\n"), _files.Write("b.csv", Header + "u,a,10,s1,1\nu,a,50,s2,0.75\n")],
            Where = where,
            Feedback = new FeedbackOptions { Reward = "watch_fraction", Impressions = [_files.Write("shown.csv", "user_id,item_id,timestamp,impression_id\nu,a,5,s1\n")] },
        });
        Assert.Equal([(float)reward], log.Feedback!.RowsOf(0).Rewards.ToArray());
    }

    [Fact]
    public void Horizon_WatchWorthNothing_GetsWhatFollows()
    {
        var options = new FeedbackOptions { Reward = "CASE WHEN watch_fraction = 0.5 THEN 0 ELSE watch_fraction END", HorizonSeconds = 200, Discount = 0.5 };
        Assert.Equal([0.5f + 0.0625f, 1.125f, 0.25f], Read(options).Feedback!.RowsOf(0).Rewards.ToArray());

        var shown = options with { Impressions = [_files.Write("shown.csv", Shown)] };
        Assert.Equal([0, 0.5f + 0.0625f, 0, 0, 0.25f], Read(shown).Feedback!.RowsOf(0).Rewards.ToArray());
    }

    /// <summary>c, shown first, is watched third: what follows is d. z, which the log of u has not, is followed by d as well.</summary>
    [Fact]
    public void Horizon_WatchOfADisplay_NeedNotBeTheNext()
    {
        var rows = WatchLogReader.Read(new DataOptions
        {
            Data = [_files.Write("four.csv", "user_id,item_id,timestamp,worth\nu,a,100,1\nu,b,110,2\nu,c,120,4\nu,d,130,8\nv,z,1,1\n")],
            Feedback = new FeedbackOptions
            {
                Reward = "worth",
                Impressions = [_files.Write("shown.csv", "user_id,item_id,timestamp,watched,worth\nu,c,50,true,100\nu,a,100,true,100\nu,z,125,true,100\nu,d,130,false,100\n")],
                HorizonSeconds = 1000,
                Discount = 0.5,
            },
        }).Feedback!.RowsOf(0);
        Assert.Equal([3, 1, 5, 4], rows.Items.ToArray());
        Assert.Equal([0, 0, 3, 3], rows.Steps.ToArray());
        Assert.Equal([104, 103, 104, 0], rows.Rewards.ToArray());
    }

    [Fact]
    public void Text_HasNoRewards()
    {
        var e = Assert.Throws<DataException>(() => WatchLogReader.Read(
            new DataOptions { Data = [_files.Write("log.txt", "u 1\n")], Feedback = new FeedbackOptions { Reward = "1" } }));
        Assert.Contains("need a log with columns and times", e.Message, StringComparison.Ordinal);
    }

    private WatchLog Read(FeedbackOptions feedback, string? items = null) => WatchLogReader.Read(new DataOptions
    {
        Data = [_files.Write("log.csv", Log)],
        Items = items ?? _files.Write("items.csv", Items),
        ContextColumns = ["tab"],
        Feedback = feedback,
    });
}
