using RecoServe.Trainer.Data;
using RecoServe.Trainer.Objectives;
using RecoServe.Trainer.Tests.Data;

namespace RecoServe.Trainer.Tests.Objectives;

/// <summary>The return over a horizon (Chen et al., WSDM 2019) on a log in which what pays at once is followed by little.</summary>
[Collection(Torch.Collection)]
public sealed class LongTermRewardTests : IDisposable
{
    /// <summary>"bait" brings 10, and 1 with each of the two watches after it; "film" brings 6, and 4 with each. Bait is chosen three times as often.</summary>
    private static readonly string Log = "user_id,item_id,timestamp,worth\n" + string.Concat(Enumerable.Range(0, 4).Select(u => u < 3
        ? $"u{u},bait,100,10\nu{u},next,200,1\nu{u},next,300,1\n"
        : $"u{u},film,100,6\nu{u},next,200,4\nu{u},next,300,4\n"));

    private readonly InputFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(0, 10, 6)]
    [InlineData(150, 10.5, 8)]
    [InlineData(250, 10.75, 9)]
    [InlineData(250, 12, 14, 1)]
    public void Ips_OfTheReturn_ReordersTheTopOnceTheFutureCountsEnough(double horizonSeconds, double bait, double film, double discount = 0.5)
    {
        using var log = WatchLogReader.Read(new DataOptions
        {
            Data = [_files.Write("log.csv", Log)],
            Feedback = new FeedbackOptions { Reward = "worth", HorizonSeconds = horizonSeconds, Discount = discount },
        });
        var choices = Enumerable.Range(0, log.UserCount).Select(user => log.Feedback!.RowsOf(user)).ToArray();
        var rows = choices.GroupBy(c => c.Items.Span[0]).OrderBy(c => c.Key).Select(c => new LoggedRow(
            0, c.Key, c.Count() / 4.0, c.Count() / 4.0, c.Average(row => row.Rewards.Span[0]))).ToArray();
        Assert.Equal([(1, bait), (2, film)], rows.Select(r => (r.Item, r.Reward)));

        using var policy = new TabularPolicy(states: 1, items: 2);
        policy.Train(new ObjectiveOptions { Kind = ObjectiveKind.Ips, SelfNormalise = false }, rows, steps: 1000, rate: 0.1);
        var probabilities = policy.Probabilities(0);
        Assert.Equal(bait / (bait + film), probabilities[0], 1e-3);
        Assert.Equal(film > bait, probabilities[1] > probabilities[0]);
    }
}
