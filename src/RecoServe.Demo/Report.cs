using System.Globalization;
using RecoServe.Contracts.V1;
using Spectre.Console;

namespace RecoServe.Demo;

/// <summary>Shows a user's watches and the slate drawn for them.</summary>
internal static class Report
{
    internal static void Print(IAnsiConsole console, DemoUser user, RecommendRequest request, RecommendResponse answer)
    {
        var shown = user.History.TakeLast(8).ToArray();
        console.WriteLine(Invariant($"User {user.UserId} on {user.Device} in {user.Country}, the last {shown.Length} of {user.History.Count} watches:"));
        foreach (var watch in shown)
            console.WriteLine(Invariant($"  {watch.WatchedAt:yyyy-MM-dd HH:mm}  {watch.Title}"));
        console.WriteLine();

        var table = new Table().Border(TableBorder.Simple)
            .AddColumns(new TableColumn("slot").RightAligned(), new TableColumn("recommended"), new TableColumn("probability").RightAligned(), new TableColumn("propensity").RightAligned());
        foreach (var item in answer.Items)
        {
            table.AddRow(
                Invariant($"{item.Rank}"), Markup.Escape(item.Title.Length > 0 ? item.Title : item.ItemId),
                Invariant($"{item.Probability:P2}"), item.GreedyFill ? "greedy fill" : Invariant($"{item.Propensity:F4}"));
        }

        console.Write(table);
        var timings = answer.Timings;
        console.WriteLine(Invariant($"model      {answer.ModelName} version {answer.ModelVersion}, seed {answer.Seed}"));
        console.WriteLine(Invariant($"nucleus    {answer.Nucleus.Size} items hold {answer.Nucleus.Mass:P1} of the probability (top_p {request.Sampling.TopP})"));
        console.WriteLine(Invariant($"timings    queue {timings.QueueUs} µs, encode {timings.EncodeUs} µs, score {timings.ScoreUs} µs, sample {timings.SampleUs} µs, batch of {timings.BatchSize}"));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
