using System.CommandLine;
using System.ComponentModel;
using NBomber.CSharp;
using RecoServe.Engine.Packages;
using RecoServe.LoadTest;
using RecoServe.NBomber;

var server = new Option<string>("--server") { Description = "The recoserve program", Required = true };
var models = new Option<string>("--models") { Description = "Model repository with one model", DefaultValueFactory = _ => "models" };
var scenario = new Option<string>("--scenario") { Description = "What to do", DefaultValueFactory = _ => "steady" };
var rate = new Option<int>("--rate") { Description = "Calls a second", DefaultValueFactory = _ => 1000 };
var seconds = new Option<int>("--seconds") { Description = "Length of a load", DefaultValueFactory = _ => 30 };
var reports = new Option<string>("--reports") { Description = "Where the reports go", DefaultValueFactory = _ => "artifacts/nbomber" };
server.Validators.Add(result => LoadCommand.RequireProgram(server.Name, result));
scenario.AcceptOnlyFromAmong([.. LoadScenarios.Names]);
var command = new RootCommand("Loads a server with NBomber.") { server, models, scenario, rate, seconds, reports };
command.SetAction(async (parsed, _) =>
{
    ServedModel started;
    try
    {
        started = await ServedModel.StartAsync(parsed.GetRequiredValue(server), parsed.GetRequiredValue(models), parsed.GetRequiredValue(scenario) == "swap");
    }
    catch (Exception e) when (e is PackageException or Win32Exception or InvalidOperationException)
    {
        // No such model, no program, or a server that ended at once; its last words are in the message.
        await parsed.InvocationConfiguration.Error.WriteLineAsync(e.Message);
        return 2;
    }

    await using var served = started;
    var duration = TimeSpan.FromSeconds(parsed.GetRequiredValue(seconds));
    var scenarios = new LoadScenarios(served, parsed.GetRequiredValue(rate), duration).Of(parsed.GetRequiredValue(scenario));
    NBomberRunner.RegisterScenarios([.. scenarios]).WithTestName(parsed.GetRequiredValue(scenario)).WithReportFolder(parsed.GetRequiredValue(reports)).Run();
    return 0;
});
return await command.Parse(args).InvokeAsync();
