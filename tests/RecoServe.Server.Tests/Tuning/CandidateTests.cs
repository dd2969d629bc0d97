using Microsoft.Extensions.DependencyInjection;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Server.Tuning;

namespace RecoServe.Server.Tests.Tuning;

public sealed class CandidateTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(6)]
    [InlineData(64)]
    public void Grid_AnyMachine_HasValidSettingsOnce(int cores)
    {
        var grid = Candidate.Grid(cores, TimeSpan.FromMilliseconds(10));
        Assert.Equal(grid.Count, grid.Distinct().Count());
        Assert.All(grid, c => Assert.InRange(c.Instances, 1, c.Threads));
        Assert.All(grid, c => Assert.InRange(c.Threads, 1, cores));
        Assert.Contains(grid, c => c.Threads == 1);
        var (runner, batcher) = (new RunnerOptions(), new BatcherOptions());
        Assert.Contains(new Candidate(runner.MaxBatchSize, batcher.MaxQueueDelay, cores, Math.Max(1, cores / 2)), grid);
    }

    [Fact]
    public void Switches_AreOptionsOfTheServer()
    {
        var settings = CommandLine.Parse([.. new Candidate(16, TimeSpan.FromMilliseconds(0.5), 4, 2).Switches]);
        using var app = RecoServeApplication.Build(settings);
        var runner = app.Services.GetRequiredService<RunnerOptions>();
        Assert.Equal((16, 4, 2), (runner.MaxBatchSize, runner.Threads, runner.Instances));
        Assert.Equal(TimeSpan.FromMilliseconds(0.5), app.Services.GetRequiredService<BatcherOptions>().MaxQueueDelay);
    }
}
