namespace RecoServe.Trainer.Simulation;

/// <summary>
/// How a viewer finds a video without a slate. The ways are tried in order, each with its probability, and skipped when they
/// lead to nothing: the next episode; back to an unfinished series; a related video of a recent watch; a channel's page; the
/// shelves of the mood. Within a way the choice is softmax(utility + fame).
/// </summary>
internal sealed class OrganicSearch(VideoWorld world, ViewerChoice choice, ViewerParameters parameters)
{
    /// <summary>Finds a video; <see cref="Video.None"/> if every way leads to nothing.</summary>
    /// <param name="viewer">Who searches.</param>
    /// <param name="state">What was watched before.</param>
    /// <param name="moment">When and where.</param>
    /// <param name="first">Whether this is the first step of a session.</param>
    /// <param name="random">The viewer's stream.</param>
    public (int Video, WatchSource Source) Find(Viewer viewer, ViewingState state, Moment moment, bool first, RandomStream random)
    {
        var next = state.NextEpisode(state.Last, moment.Day, world);
        if (next != Video.None && random.NextBool(parameters.ContinueSeries * state.LastFraction))
            return (next, WatchSource.Series);
        if (random.NextBool(parameters.ResumeSeries[first ? 0 : 1]) && Unfinished(state, moment) is var unfinished and not Video.None)
            return (unfinished, WatchSource.Series);
        if (random.NextBool(parameters.FollowRelated) && Followed(viewer, state, moment, random) is var followed and not Video.None)
            return (followed, WatchSource.Related);
        if (random.NextBool(parameters.VisitChannel) && FromChannel(viewer, state, moment, random) is var own and not Video.None)
            return (own, WatchSource.Channel);
        var shelves = viewer.Languages.SelectMany(l => world.Shelf(VideoWorld.ShelfOf(state.Mood, l)));
        return (Pick(shelves, viewer, state, moment, random), WatchSource.Browse);
    }

    private int Unfinished(ViewingState state, Moment moment)
    {
        for (var n = state.LastEpisodes.Count - 1; n >= 0; n--)
        {
            var next = state.NextEpisode(state.LastEpisodes[n], moment.Day, world);
            if (next != Video.None)
                return next;
        }

        return Video.None;
    }

    private int Followed(Viewer viewer, ViewingState state, Moment moment, RandomStream random)
    {
        var back = random.NextIndex(parameters.RelatedAnchors) + 1;
        return back > state.History.Count
            ? Video.None
            : Pick(world.Related[state.History[^back]], viewer, state, moment, random);
    }

    private int FromChannel(Viewer viewer, ViewingState state, Moment moment, RandomStream random)
    {
        var favourite = viewer.FavouriteChannels.Length > 0 && (state.Last == Video.None || random.NextBool(parameters.VisitFavourite));
        if (!favourite && state.Last == Video.None)
            return Video.None;
        var channel = favourite ? random.NextOf(viewer.FavouriteChannels) : world.Videos[state.Last].Channel;
        return Pick(world.ByChannel[channel], viewer, state, moment, random);
    }

    private int Pick(IEnumerable<int> candidates, Viewer viewer, ViewingState state, Moment moment, RandomStream random)
    {
        var open = candidates.Where(i => state.IsOpen(i, moment.Day, world)).ToArray();
        if (open.Length == 0)
            return Video.None;
        var weights = new double[open.Length];
        for (var n = 0; n < open.Length; n++)
            weights[n] = Math.Exp(choice.Utility(viewer, state, moment, open[n]) + (parameters.OrganicFame * world.Videos[open[n]].Fame));
        return open[random.NextIndex(weights)];
    }
}
