namespace RecoServe.Trainer.Simulation;

/// <summary>
/// The policy that showed the slates of the log. Slot by slot, from the videos A that are out, not watched by the viewer and
/// not on the slate yet:
/// <code>
/// π(i | A) = ε / |A| + (1 − ε) · w(i) / Σ_{j ∈ A} w(j)
/// w(i)     = exp((score(i) + recency · freshness(i, day) + match · share(category of i) + language · [viewer speaks i's]) / T)
/// </code>
/// share(c) is the number of watches of category c among the viewer's last <see cref="PolicyParameters.CategoryWindow"/>,
/// divided by that number.
/// </summary>
/// <remarks>
/// The viewer changes whole shelves only, so a draw is a shelf, then a video by binary search in the shelf's running sum for
/// the day. What may not be shown is rejected and drawn again, which leaves exactly the law above.
/// </remarks>
internal sealed class LoggingPolicy
{
    private readonly VideoWorld _world;
    private readonly PolicyParameters _parameters;
    private readonly Day[] _days;

    /// <summary>Prepares the policy for every day of the log.</summary>
    public LoggingPolicy(VideoWorld world, SimulationOptions options, PolicyParameters parameters)
    {
        (_world, _parameters) = (world, parameters);
        var random = new RandomStream(options.Seed, StreamPurpose.Policy);
        Scores = [.. world.Videos.Select(v => (parameters.Popularity * v.Fame) + (parameters.PopularityNoise * random.NextNormal()))];
        _days = [.. Enumerable.Range(0, options.Days).Select(Prepare)];
    }

    /// <summary>The policy's score of each video: its noisy idea of the video's popularity.</summary>
    public double[] Scores { get; }

    /// <summary>Draws a slate.</summary>
    /// <returns>The videos by slot, and for each the exact probability of its choice given the earlier slots.</returns>
    public (int[] Videos, double[] Propensities) Draw(Viewer viewer, ViewingState state, Moment moment, RandomStream random)
    {
        var day = _days[moment.Day];
        var factors = ShelfFactors(viewer, state);
        var masses = new double[factors.Length];
        for (var shelf = 0; shelf < masses.Length; shelf++)
            masses[shelf] = factors[shelf] * day.MassOf(shelf);
        double Weight(int i) => factors[VideoWorld.ShelfOf(_world.Videos[i])] * day.Weights[i];

        var count = day.Released.Length - state.Watched.Count;
        var mass = masses.Sum() - state.History.Sum(Weight);
        var slate = new int[Math.Min(_parameters.SlateSizes[(int)moment.Device], count)];
        var propensities = new double[slate.Length];
        for (var slot = 0; slot < slate.Length; slot++)
        {
            var uniform = random.NextBool(_parameters.Epsilon);
            int pick;
            do
                pick = uniform ? random.NextOf(day.Released) : day.Pick(random.NextIndex(masses), random);
            while (state.Watched.Contains(pick) || slate.AsSpan(0, slot).Contains(pick));
            slate[slot] = pick;
            propensities[slot] = (_parameters.Epsilon / count) + ((1 - _parameters.Epsilon) * Weight(pick) / mass);
            count--;
            mass -= Weight(pick);
        }

        return (slate, propensities);
    }

    private double[] ShelfFactors(Viewer viewer, ViewingState state)
    {
        var shares = new double[_world.Categories.Count];
        for (var n = Math.Max(0, state.History.Count - _parameters.CategoryWindow); n < state.History.Count; n++)
            shares[_world.Videos[state.History[n]].Category] += 1.0 / _parameters.CategoryWindow;
        var factors = new double[_world.ShelfCount];
        for (var category = 0; category < shares.Length; category++)
        {
            for (var language = 0; language < Market.Languages.Count; language++)
            {
                var score = (_parameters.CategoryMatch * shares[category]) + (viewer.Speaks(language) ? _parameters.LanguageMatch : 0);
                factors[VideoWorld.ShelfOf(category, language)] = Math.Exp(score / _parameters.Temperature);
            }
        }

        return factors;
    }

    private Day Prepare(int day)
    {
        var weights = new double[_world.Videos.Count];
        for (var i = 0; i < weights.Length; i++)
        {
            var video = _world.Videos[i];
            var freshness = video.Freshness(day, _world.Categories[video.Category].HalfLifeDays);
            weights[i] = video.ReleaseDay > day ? 0 : Math.Exp((Scores[i] + (_parameters.Recency * freshness)) / _parameters.Temperature);
        }

        return new Day(_world, day, weights);
    }

    /// <summary>The weights of one day, viewer's part left out, with running sums by shelf.</summary>
    private sealed class Day
    {
        private readonly int[][] _videos;
        private readonly double[][] _sums;

        public Day(VideoWorld world, int day, double[] weights)
        {
            Weights = weights;
            Released = [.. Enumerable.Range(0, weights.Length).Where(i => world.Videos[i].ReleaseDay <= day)];
            _videos = [.. Enumerable.Range(0, world.ShelfCount).Select(s => world.Shelf(s).Where(i => weights[i] > 0).ToArray())];
            _sums = [.. _videos.Select(shelf => RunningSums(shelf, weights))];
        }

        public double[] Weights { get; }

        public int[] Released { get; }

        public double MassOf(int shelf) => _sums[shelf] is [.., var last] ? last : 0;

        public int Pick(int shelf, RandomStream random)
        {
            var at = Array.BinarySearch(_sums[shelf], random.NextDouble() * MassOf(shelf));
            // A draw that hits a running sum belongs to the video after it.
            return _videos[shelf][Math.Min(at < 0 ? ~at : at + 1, _videos[shelf].Length - 1)];
        }

        private static double[] RunningSums(int[] shelf, double[] weights)
        {
            var sums = new double[shelf.Length];
            var sum = 0.0;
            for (var n = 0; n < shelf.Length; n++)
                sums[n] = sum += weights[shelf[n]];
            return sums;
        }
    }
}
