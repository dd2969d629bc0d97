namespace RecoServe.Trainer.Tests.Objectives;

/// <summary>
/// Some states and items with known click rates, and a log of displays by a policy that shows some items much more
/// often than others: a Zipf law over a random order a state, 5 % of the displays at random.
/// </summary>
internal sealed class LoggedWorld
{
    private readonly double[][] _running;

    public LoggedWorld(int seed, int states, int items, int displays)
    {
        (States, Items, Shown) = (states, items, new int[displays]);
        (ClickRate, Propensity) = (new double[states, items], new double[states, items]);
        _running = new double[states][];
        var random = new Random(seed);
        var (shown, clicks) = (new int[States, Items], new int[States, Items]);
        for (var s = 0; s < States; s++)
        {
            var ranks = Enumerable.Range(1, Items).ToArray();
            random.Shuffle(ranks);
            var total = ranks.Sum(r => 1.0 / r);
            for (var a = 0; a < Items; a++)
            {
                ClickRate[s, a] = Math.Pow(random.NextDouble(), 5);
                Propensity[s, a] = (0.95 / ranks[a] / total) + (0.05 / Items);
            }

            var sum = 0.0;
            _running[s] = [.. Enumerable.Range(0, Items).Select(a => sum += Propensity[s, a])];
        }

        for (var n = 0; n < displays; n++)
        {
            var (s, a) = (StateOf(n), Draw(StateOf(n), random));
            Shown[n] = a + 1;
            shown[s, a]++;
            clicks[s, a] += random.NextDouble() < ClickRate[s, a] ? 1 : 0;
        }

        Rows = [.. from s in Enumerable.Range(0, States) from a in Enumerable.Range(0, Items) where clicks[s, a] > 0 select Row(s, a, shown[s, a], clicks[s, a])];
    }

    public int States { get; }

    public int Items { get; }

    public double[,] ClickRate { get; }

    public double[,] Propensity { get; }

    /// <summary>The item of each display, from 1; the states take turns.</summary>
    public int[] Shown { get; }

    /// <summary>States and items with a click; the propensity is estimated, as the item's share of the state's displays.</summary>
    public LoggedRow[] Rows { get; }

    /// <summary>The rows with the true propensities.</summary>
    public LoggedRow[] TrueRows => [.. Rows.Select(r => r with { Propensity = Propensity[r.State, r.Item - 1] })];

    /// <summary>The state of a display.</summary>
    public int StateOf(int display) => display % States;

    /// <summary>Mean true click rate of each state's best item by a score.</summary>
    public double TopOne(Func<int, double[]> scores) => Enumerable.Range(0, States).Average(s =>
    {
        var of = scores(s);
        return ClickRate[s, Array.IndexOf(of, of.Max())];
    });

    private LoggedRow Row(int state, int item, int shown, int clicks) => new(
        state, item + 1, (double)shown / Shown.Length, (double)shown * States / Shown.Length, (double)clicks / shown);

    private int Draw(int state, Random random)
    {
        var at = Array.BinarySearch(_running[state], random.NextDouble());
        return Math.Min(at < 0 ? ~at : at + 1, Items - 1);
    }
}
