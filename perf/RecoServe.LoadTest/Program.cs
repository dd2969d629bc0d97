using RecoServe.LoadTest;
using Spectre.Console;

return await LoadCommand.New(options => LoadRun.RunAsync(options, AnsiConsole.Console)).Parse(args).InvokeAsync();
