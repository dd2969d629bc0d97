using RecoServe.Trainer.Simulation;

namespace RecoServe.Trainer.Tests.Simulation;

public sealed class ViewerChoiceTests
{
    private static readonly SimulationOptions Options = new() { Users = 1, Videos = 300, Days = 7 };
    private static readonly VideoWorld World = VideoWorld.Create(Options);
    private static readonly ViewerParameters Parameters = new();
    private static readonly Viewer Viewer = Viewer.Create(World, Options, 0);

    private readonly ViewerChoice _choice = new(World, Parameters);
    private readonly Moment _moment = new(3, 20, Device.Phone);

    [Fact]
    public void SlateProbabilities_ASlate_IsTheLogitModel()
    {
        var state = new ViewingState();
        int[] slate = [5, 17, 40];
        var probabilities = _choice.SlateProbabilities(Viewer, state, _moment, slate);

        Assert.Equal(1, probabilities.Sum(), 1e-12);
        var odds = probabilities[1] / probabilities[3];
        var utility = _choice.Utility(Viewer, state, _moment, 17) - (Parameters.PositionBias * Math.Log(2));
        Assert.Equal(Math.Exp(utility - Parameters.OutsideOption), odds, 1e-9);
    }

    [Fact]
    public void SlateProbabilities_LaterSlot_IsLessProbable()
    {
        var state = new ViewingState();
        Assert.True(
            _choice.SlateProbabilities(Viewer, state, _moment, [5, 17])[0] > _choice.SlateProbabilities(Viewer, state, _moment, [17, 5])[1]);
    }

    [Fact]
    public void Utility_NextEpisode_IsRaisedByTheLastWatch()
    {
        var first = Enumerable.Range(0, World.Videos.Count).First(i => World.Videos[i].NextEpisode != Video.None);
        var next = World.Videos[first].NextEpisode;
        var (before, after) = (new ViewingState(), new ViewingState());
        after.Add(first, 1, World);

        Assert.Equal(
            Parameters.NextEpisode + Parameters.SameChannel,
            _choice.Utility(Viewer, after, _moment, next) - _choice.Utility(Viewer, before, _moment, next),
            1e-9);
    }
}
