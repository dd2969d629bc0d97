using Microsoft.Extensions.Options;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Stores;
using RecoServe.Server;
using RecoServe.Server.Tuning;

if (args is [TuneCommand.Name, .. var tuning])
    return await TuneCommand.RunAsync(tuning, Console.Out, Console.Error);

if (args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(CommandLine.Usage);
    return 0;
}

if (args.Contains("--version"))
{
    Console.WriteLine($"recoserve {CommandLine.Version}");
    return 0;
}

try
{
    await using var app = RecoServeApplication.Build(CommandLine.Parse(args));
    var watcher = app.Services.GetRequiredService<RepositoryWatcher>();
    watcher.RememberTrigger();
    await app.Services.GetRequiredService<ModelRegistry>().LoadRepositoryAsync(CancellationToken.None);
    await app.StartAsync();
    watcher.Start();
    Banner.Print(app, Console.Out);
    await app.WaitForShutdownAsync();
    return 0;
}
catch (ArgumentException e)
{
    await Console.Error.WriteLineAsync($"recoserve: {e.Message}\n\n{CommandLine.Usage}");
    return 2;
}
catch (OptionsValidationException e)
{
    await Console.Error.WriteLineAsync($"recoserve: {string.Join("\nrecoserve: ", e.Failures)}");
    return 2;
}
catch (AggregateException e) when (e.InnerExceptions.All(i => i is PackageException or ModelMemoryException or ModelNotFoundException or StoreUnavailableException))
{
    foreach (var problem in e.InnerExceptions)
        await Console.Error.WriteLineAsync($"recoserve: {problem.Message}");
    return 1;
}
catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
{
    await Console.Error.WriteLineAsync($"recoserve: {e.Message} (choose other ports with --port and --http-port)");
    return 1;
}
