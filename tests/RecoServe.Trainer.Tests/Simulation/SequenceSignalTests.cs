using RecoServe.Trainer.Simulation;

namespace RecoServe.Trainer.Tests.Simulation;

/// <summary>The log is worth a sequence model: the last watch says more than popularity, ten watches say more than one.</summary>
public sealed class SequenceSignalTests
{
    private const int Videos = 600;

    private readonly List<int[]> _histories =
    [
        .. new WatchSimulation(new SimulationOptions { Users = 3000, Videos = Videos, Days = 14 }).Run()
            .Select(log => log.Watches.Select(w => w.Video).ToArray())
            .Where(h => h.Length >= 3),
    ];

    [Fact]
    public void LeaveOneOut_LongerHistory_PredictsBetter()
    {
        var popularity = new double[Videos];
        foreach (var video in _histories.SelectMany(h => h[..^1]))
            popularity[video]++;

        var byPopularity = HitRate((_, scores) => popularity.CopyTo(scores, 0));
        var byLast = HitRate(Following(window: 1, popularity));
        var byTen = HitRate(Following(window: 10, popularity));

        Assert.True(byLast > 2 * byPopularity, $"last watch {byLast:F3}, popularity {byPopularity:F3}");
        Assert.True(byTen > 1.1 * byLast, $"ten watches {byTen:F3}, last watch {byLast:F3}");
    }

    // Score of j = Σ over the last watches h at distance d of count(j within the window after h, by 1/distance) / √popularity / d.
    private Action<int[], double[]> Following(int window, double[] popularity)
    {
        var follows = new double[Videos, Videos];
        foreach (var history in _histories.Select(h => h[..^1]))
        {
            for (var t = 1; t < history.Length; t++)
            {
                for (var d = 1; d <= Math.Min(window, t); d++)
                    follows[history[t - d], history[t]] += 1.0 / d;
            }
        }

        return (history, scores) =>
        {
            Array.Clear(scores);
            for (var d = 1; d <= Math.Min(window, history.Length); d++)
            {
                for (var j = 0; j < Videos; j++)
                    scores[j] += follows[history[^d], j] / d / (window == 1 ? 1 : Math.Sqrt(popularity[j] + 1));
            }
        };
    }

    private double HitRate(Action<int[], double[]> score)
    {
        var scores = new double[Videos];
        return _histories.Average(history =>
        {
            score(history[..^1], scores);
            foreach (var seen in history[..^1])
                scores[seen] = double.NegativeInfinity;
            return scores.Count(s => s > scores[history[^1]]) < 10 && scores[history[^1]] > 0 ? 1.0 : 0.0;
        });
    }
}
