using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using RecoServe.Trainer.Simulation;
using Spectre.Console;

namespace RecoServe.Trainer.Commands;

/// <summary><c>recotrain simulate</c>: writes the log of a simulated video world.</summary>
internal static class SimulateCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create()
    {
        var defaults = new SimulationOptions();
        var output = new Option<string>("--out") { Description = "Directory for the log", Required = true };
        var seed = new Option<int>("--seed") { Description = "Equal seeds give equal logs", DefaultValueFactory = _ => defaults.Seed };
        var users = InRange("--users", "Number of users", defaults.Users, 1, 1_000_000);
        var videos = InRange("--videos", "Number of videos", defaults.Videos, 200, 20_000);
        var days = InRange("--days", "Days that the log covers", defaults.Days, 7, 180);
        var format = new Option<LogFormat>("--format")
        {
            Description = "Format of the tables",
            DefaultValueFactory = _ => LogFormat.Parquet,
        };
        var force = new Option<bool>("--force") { Description = "Replace the log in a directory that is not empty" };

        var command = new Command("simulate", "Writes the log of a simulated video world with a known logging policy")
        {
            output, seed, users, videos, days, format, force,
        };
        command.SetWork((parsed, cancellation) => Run(
            new SimulationOptions
            {
                Seed = parsed.GetValue(seed),
                Users = parsed.GetValue(users),
                Videos = parsed.GetValue(videos),
                Days = parsed.GetValue(days),
            },
            new Target(parsed.GetRequiredValue(output), parsed.GetValue(format), parsed.GetValue(force)),
            parsed.InvocationConfiguration,
            cancellation));
        return command;
    }

    private static int Run(SimulationOptions options, Target target, InvocationConfiguration console, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        var counts = WithProgress(progress =>
            SimulationWriter.Write(options, target.Directory, target.Format, target.Force, progress, cancellation));
        console.Output.WriteLine(Summary(target.Directory, counts, Stopwatch.GetElapsedTime(started)));
        return 0;
    }

    private static string Summary(string directory, SimulationCounts counts, TimeSpan elapsed) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        {directory}: {counts.Users:N0} users, {counts.Items:N0} items, {counts.Watches:N0} watches,
        {counts.Slates:N0} slates with {counts.Impressions:N0} items shown, in {elapsed.TotalSeconds:N1} s
        """);

    // A bar on standard error where somebody can see it move; standard output is for the result.
    private static SimulationCounts WithProgress(Func<IProgress<double>?, SimulationCounts> write)
    {
        var screen = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (Console.IsErrorRedirected || !screen.Profile.Capabilities.Interactive)
            return write(null);
        return screen.Progress().Start(context =>
        {
            var bar = context.AddTask("simulating", maxValue: 1);
            return write(new Bar(bar));
        });
    }

    private static Option<int> InRange(string name, string description, int @default, int least, int most)
    {
        var option = new Option<int>(name)
        {
            Description = string.Create(CultureInfo.InvariantCulture, $"{description}, {least:N0}…{most:N0}"),
            DefaultValueFactory = _ => @default,
        };
        option.Validators.Add(result =>
        {
            // Of the token: GetValue throws where it is no number, before the parse can say so.
            if (result.Tokens is [var token] && int.TryParse(token.Value, CultureInfo.InvariantCulture, out var value) && (value < least || value > most))
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; it must be in {least:N0}…{most:N0}"));
        });
        return option;
    }

    private sealed record Target(string Directory, LogFormat Format, bool Force);

    private sealed class Bar(ProgressTask task) : IProgress<double>
    {
        public void Report(double value) => task.Value = value;
    }
}
