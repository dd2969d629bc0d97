using Grpc.Core;
using RecoServe.Client;
using RecoServe.Demo;
using Spectre.Console;

const string Usage = "usage: demo --users FILE [--user ID] [--address http://host:port | --server PATH --models DIR]";

var arguments = new Dictionary<string, string>(StringComparer.Ordinal);
for (var i = 0; i + 1 < args.Length; i += 2)
    arguments[args[i]] = args[i + 1];
if (args.Length % 2 != 0 || !arguments.TryGetValue("--users", out var usersFile) || (!arguments.ContainsKey("--address") && !arguments.ContainsKey("--server")))
{
    Console.Error.WriteLine(Usage);
    return 2;
}

var user = DemoUser.Choose(usersFile, arguments.GetValueOrDefault("--user"));
if (user is null)
{
    Console.Error.WriteLine($"demo: {usersFile} has no user \"{arguments["--user"]}\"");
    return 2;
}

await using var server = arguments.TryGetValue("--server", out var program)
    ? await ServerProcess.StartAsync(program, arguments.GetValueOrDefault("--models", "models"))
    : null;
using var client = new RecoServeClient(new RecoServeClientOptions { Address = server?.Address ?? new Uri(arguments["--address"]) });
try
{
    var request = user.ToRequest();
    // The first call pays for connecting and compiling; the second shows what callers see.
    await client.RecommendAsync(request);
    Report.Print(AnsiConsole.Console, user, request, await client.RecommendAsync(request));
    return 0;
}
catch (RpcException e)
{
    Console.Error.WriteLine($"demo: {e.StatusCode}: {e.Status.Detail}");
    return 1;
}
