using RecoServe.Server.Tuning;
using RecoServe.Testing;

namespace RecoServe.Server.Tests.Tuning;

public sealed class TuneCommandTests : IDisposable
{
    private readonly TemporaryDirectory _repository = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public void Dispose() => _repository.Dispose();

    [Theory]
    [InlineData(2, "--p99-ms must be a number from 0.1 to 1000, not 0", "--p99-ms", "0")]
    [InlineData(2, "--p99-ms must be a number from 0.1 to 1000, not fast", "--p99-ms", "fast")]
    [InlineData(2, "--seconds must be a number from 0.1 to 60, not 100", "--seconds", "100")]
    [InlineData(2, "/nowhere holds no models", "--models", "/nowhere")]
    [InlineData(2, "has no model \"other\"", "--model", "other")]
    [InlineData(2, "--foo", "--foo")]
    [InlineData(2, "--foo is not a known switch", "--", "--foo", "1")]
    [InlineData(2, "Server:Port (--port) cannot follow --: the servers' ports are free ones", "--", "--port", "5000")]
    [InlineData(2, "Registry:Repository (--models) cannot follow --", "--", "--Registry:Repository", "x")]
    public async Task Run_WrongCommandLine_SaysWhatWouldBeRight(int code, string message, params string[] arguments)
    {
        new TestModel().Publish(_repository.Path);
        Assert.Equal(code, await TuneCommand.RunAsync(arguments.Contains("--models") ? arguments : ["--models", _repository.Path, .. arguments], _output, _error));
        Assert.Contains(message, _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ServerThatDoesNotStart_SaysWhatTheServerSays()
    {
        new TestModel().Publish(_repository.Path);
        Assert.Equal(1, await TuneCommand.RunAsync(["--models", _repository.Path, "--", "--Batcher:QueueCapacity", "none"], _output, _error));
        Assert.Contains("Batcher:QueueCapacity must be a whole number", _error.ToString(), StringComparison.Ordinal);
    }

    /// <summary>The whole way in little: real servers, a real load, and a pick that a server can be started with.</summary>
    [Fact]
    public async Task Run_TwoSettings_PicksOneThatHoldsTheGoal()
    {
        new TestModel().Publish(_repository.Path);
        var options = new TuneOptions([ProgramTests.Executable], _repository.Path, TimeSpan.FromSeconds(0.9))
        {
            Duration = TimeSpan.FromSeconds(0.1),
            WarmUp = TimeSpan.FromSeconds(0.1),
            LeastCalls = 10,
        };
        Candidate[] grid = [new Candidate(1, TimeSpan.Zero, 1, 1), new Candidate(64, TimeSpan.Zero, 1, 1)];
        Assert.True(await TuneRun.RunAsync(options with { Sweep = true }, grid, _output, TimeProvider.System));
        var lines = _output.ToString().Split('\n');
        Assert.Matches("^toy version 1, p99 up to 900.0 ms, [0-9]+ cores: 2 settings, each in a server of its own$", lines[0]);
        Assert.Contains(lines, l => grid.Any(c => l == $"recoserve {string.Join(' ', c.Switches)}"));
        Assert.Contains(lines, l => l.StartsWith("sweep: the best holds ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Sweep_PickIsNotTheBest_IsComparedInTurns()
    {
        Candidate[] grid = [new Candidate(1, TimeSpan.Zero, 1, 1), new Candidate(64, TimeSpan.Zero, 1, 1)];
        var options = new TuneOptions([], _repository.Path, TimeSpan.FromSeconds(1));
        Task<TimeSpan> MeasureAsync(Candidate who, double rate) => Task.FromResult(rate <= (who == grid[0] ? 100 : 200) ? TimeSpan.Zero : TimeSpan.MaxValue);
        await TuneRun.SweepAsync(MeasureAsync, options, grid, first: 100, winner: grid[0], _output);
        Assert.Matches("sweep: in turns the pick holds 5[0-3] % of what the best of the sweep does \\(median of 5\\)\n$", _output.ToString());
        Assert.Equal(5, _output.ToString().Split('\n').Count(l => l.StartsWith("                the best ", StringComparison.Ordinal)));
    }
}
