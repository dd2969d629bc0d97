using RecoServe.Demo;
using RecoServe.LoadTest;
using Spectre.Console;

return await LoadOptions.Command(RunAsync).Parse(args).InvokeAsync();

static async Task<int> RunAsync(LoadOptions options)
{
    using var repository = new Repository(options.Models, options.Items);
    await using var server = await ServerProcess.StartAsync(options.Server, repository.Path);
    var package = await repository.ServedPackageAsync(server.Address);
    using var requests = new RequestMix(server.Address, options.Connections, package, options.Seed);

    var runs = await new LoadScenarios(requests.CallAsync, options, TimeProvider.System).RunAsync();
    var manifest = package.Manifest;
    AnsiConsole.WriteLine($"{manifest.Name} version {manifest.Version}: {manifest.ItemCount} items, dimension {manifest.Dimension}, histories of up to {manifest.MaxHistory}");
    Report.Print(AnsiConsole.Console, runs);
    Report.WriteJson(Path.Combine("artifacts", "bench", "serving.json"), runs);
    if (options.Out is not null)
        await File.WriteAllTextAsync(options.Out, Report.Markdown(runs));
    return 0;
}
