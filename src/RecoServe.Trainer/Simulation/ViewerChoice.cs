namespace RecoServe.Trainer.Simulation;

/// <summary>Where and when a viewer is about to watch.</summary>
/// <param name="Day">Day of the log, from 0.</param>
/// <param name="Hour">Hour of the day, 0…23.</param>
/// <param name="Device">The session's device.</param>
internal readonly record struct Moment(int Day, int Hour, Device Device);

/// <summary>What viewers really want: the utility of a video, and the multinomial logit choice from a slate.</summary>
internal sealed class ViewerChoice(VideoWorld world, ViewerParameters parameters)
{
    private readonly double[,] _durationFit = DurationFits(world, parameters);

    /// <summary>The utility of a video for a viewer at a moment: taste + quality + fit to device, hour, mood and the last watch.</summary>
    public double Utility(Viewer viewer, ViewingState state, Moment moment, int index)
    {
        var video = world.Videos[index];
        var category = world.Categories[video.Category];
        var utility = video.Quality + viewer.Taste[video.Category] + _durationFit[(int)moment.Device, index]
            + category.DeviceFit[(int)moment.Device] + category.HourFit[moment.Hour / 6]
            + (parameters.Freshness * video.Freshness(moment.Day, category.HalfLifeDays));
        if (video.Premium)
            utility += viewer.Premium;
        if (video.Category == state.Mood)
            utility += parameters.Mood;
        if (!viewer.Speaks(video.Language))
            utility += parameters.ForeignLanguage;
        if (Array.IndexOf(viewer.FavouriteChannels, video.Channel) >= 0)
            utility += parameters.FavouriteChannel;
        return state.Last == Video.None ? utility : utility + AfterLast(state.Last, index);
    }

    /// <summary>
    /// The probability of watching each slot of a slate; in the last place that of watching nothing. Slot s (from 1) has the
    /// weight exp(utility − bias · ln s), nothing has exp(outside option).
    /// </summary>
    public double[] SlateProbabilities(Viewer viewer, ViewingState state, Moment moment, ReadOnlySpan<int> slate)
    {
        var weights = new double[slate.Length + 1];
        for (var s = 0; s < slate.Length; s++)
            weights[s] = Math.Exp(Utility(viewer, state, moment, slate[s]) - (parameters.PositionBias * Math.Log(s + 1)));
        weights[^1] = Math.Exp(parameters.OutsideOption);
        var total = weights.Sum();
        return [.. weights.Select(w => w / total)];
    }

    private double AfterLast(int last, int index)
    {
        var bonus = 0.0;
        if (world.Videos[last].NextEpisode == index)
            bonus += parameters.NextEpisode;
        if (world.Videos[last].Channel == world.Videos[index].Channel)
            bonus += parameters.SameChannel;
        if (Array.IndexOf(world.Related[last], index) >= 0)
            bonus += parameters.Related;
        return bonus;
    }

    private static double[,] DurationFits(VideoWorld world, ViewerParameters parameters)
    {
        var fits = new double[parameters.PreferredMinutes.Length, world.Videos.Count];
        for (var d = 0; d < parameters.PreferredMinutes.Length; d++)
        {
            for (var i = 0; i < world.Videos.Count; i++)
            {
                var ratio = Math.Log(world.Videos[i].DurationSeconds / (60 * parameters.PreferredMinutes[d]));
                fits[d, i] = -parameters.Duration * ratio * ratio;
            }
        }

        return fits;
    }
}
