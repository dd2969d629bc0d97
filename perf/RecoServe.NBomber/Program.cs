using System.CommandLine;
using NBomber.CSharp;
using RecoServe.NBomber;

var server = new Option<string>("--server") { Description = "The recoserve program", Required = true };
var models = new Option<string>("--models") { Description = "Model repository with one model", DefaultValueFactory = _ => "models" };
var scenario = new Option<string>("--scenario") { Description = "What to do", DefaultValueFactory = _ => "steady" };
var rate = new Option<int>("--rate") { Description = "Calls a second", DefaultValueFactory = _ => 1000 };
var seconds = new Option<int>("--seconds") { Description = "Length of a load", DefaultValueFactory = _ => 30 };
var reports = new Option<string>("--reports") { Description = "Where the reports go", DefaultValueFactory = _ => "artifacts/nbomber" };
scenario.AcceptOnlyFromAmong([.. LoadScenarios.Names]);
var command = new RootCommand("Loads a server with NBomber.") { server, models, scenario, rate, seconds, reports };
command.SetAction(async (parsed, _) =>
{
    await using var served = await ServedModel.StartAsync(parsed.GetRequiredValue(server), parsed.GetRequiredValue(models), parsed.GetRequiredValue(scenario) == "swap");
    var duration = TimeSpan.FromSeconds(parsed.GetRequiredValue(seconds));
    var scenarios = new LoadScenarios(served, parsed.GetRequiredValue(rate), duration).Of(parsed.GetRequiredValue(scenario));
    NBomberRunner.RegisterScenarios([.. scenarios]).WithTestName(parsed.GetRequiredValue(scenario)).WithReportFolder(parsed.GetRequiredValue(reports)).Run();
});
return await command.Parse(args).InvokeAsync();
