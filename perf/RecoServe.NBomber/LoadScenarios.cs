using Grpc.Core;
using NBomber.Contracts;
using NBomber.CSharp;
using RecoServe.Contracts.V1;
using RecoServe.LoadGenerator;

namespace RecoServe.NBomber;

/// <summary>The scenarios of <c>RecoServe.LoadTest</c>, in NBomber's terms.</summary>
/// <param name="served">Who is asked.</param>
/// <param name="rate">Calls a second.</param>
/// <param name="duration">Of a load.</param>
internal sealed class LoadScenarios(ServedModel served, int rate, TimeSpan duration)
{
    private const int Callers = 64;
    private const int Short = 10;
    private const int ShortPerLong = 64;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MostPatience = TimeSpan.FromMilliseconds(5);

    private readonly RecommendRequest[] _requests = Requests(served, length: null);

    internal static IReadOnlyList<string> Names { get; } = ["steady", "saturate", "overload", "burst", "mixed", "cancel-storm", "swap"];

    /// <summary>What runs at the same time.</summary>
    internal IEnumerable<ScenarioProps> Of(string name) => name switch
    {
        "steady" => [Asking(name, _requests, Rate(1, duration))],
        "saturate" => [Asking(name, _requests, Simulation.KeepConstant(Callers, duration))],
        "overload" => [Asking(name, _requests, [.. new[] { 0.5, 1, 2, 3 }.Select(times => Rate(times, duration))])],
        "burst" => [Asking(name, _requests, [.. Enumerable.Range(0, Math.Max(1, (int)duration.TotalSeconds / 4)).SelectMany(_ => new[] { Rate(2, Second), Rate(0.25, 3 * Second) })])],
        "mixed" => [Asking(name, Requests(served, i => i % ShortPerLong == 0 ? served.Package.Manifest.MaxHistory : Short), Rate(1, duration))],
        "cancel-storm" => [Leaving(), Asking("others", _requests, Rate(0.3, duration))],
        _ => [Asking(name, _requests, Rate(1, duration)), Swapping()],
    };

    private static RecommendRequest[] Requests(ServedModel served, Func<int, int>? length) =>
        [.. MadeRequest.Make(served.Package, seed: 1, length).Select(r => RecommendRequest.Parser.ParseFrom(r.Message))];

    private LoadSimulation Rate(double times, TimeSpan during) => Simulation.Inject(Math.Max(1, (int)(times * rate)), Second, during);

    private ScenarioProps Asking(string name, RecommendRequest[] requests, params LoadSimulation[] load) =>
        Scenario.Create(name, async context => ToResponse(await served.CallAsync(requests[context.InvocationNumber % requests.Length], CancellationToken.None)))
            .WithWarmUpDuration(TimeSpan.FromSeconds(5))
            .WithLoadSimulations(load);

    /// <summary>Callers who go away; for them there is no failure.</summary>
    private ScenarioProps Leaving() =>
        Scenario.Create("storm", async context =>
        {
            using var leaves = new CancellationTokenSource(new Random((int)context.InvocationNumber).NextDouble() * MostPatience, TimeProvider.System);
            var status = await served.CallAsync(_requests[context.InvocationNumber % _requests.Length], leaves.Token);
            return status == StatusCode.Cancelled ? Response.Ok(statusCode: $"{status}") : ToResponse(status);
        }).WithWarmUpDuration(TimeSpan.FromSeconds(5)).WithLoadSimulations(Rate(1, duration));

    private ScenarioProps Swapping()
    {
        var next = 1L; // a server starts with the newest
        return Scenario.Create("swaps", async _ =>
        {
            await served.SwapAsync(next);
            next = 3 - next;
            return Response.Ok();
        }).WithoutWarmUp().WithLoadSimulations(Simulation.KeepConstant(1, duration));
    }

    private static Response<object> ToResponse(StatusCode status) =>
        status == StatusCode.OK ? Response.Ok(statusCode: "OK") : Response.Fail(statusCode: $"{status}");
}
