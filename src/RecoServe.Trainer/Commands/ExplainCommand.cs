using System.CommandLine;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Explanation;
using RecoServe.Trainer.Training;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Commands;

/// <summary><c>recotrain explain</c>: what each watch and each context value adds to an item's score.</summary>
internal static class ExplainCommand
{
    private const int MaxSteps = 100_000;

    private static readonly Option<string> Run = new("--run") { Description = "A run's folder", HelpName = "DIR", Required = true };

    private static readonly Option<string> Item = new("--item") { Description = "The item whose score is explained", HelpName = "ID", Required = true };

    private static readonly Option<string[]> History = new("--history")
    {
        Description = "What was watched, oldest first",
        HelpName = "ID",
        AllowMultipleArgumentsPerToken = true,
        Required = true,
    };

    private static readonly Option<string[]> Context = new("--context")
    {
        Description = "The request's context; fields that are not given are unknown",
        HelpName = "FIELD=VALUE",
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<int> Steps = new("--steps")
    {
        Description = "Points of the path at which gradients are taken; more if the completeness error is large",
        HelpName = "N",
        DefaultValueFactory = _ => 50,
    };

    private static readonly Option<bool> Json = new("--json") { Description = "Print JSON instead of a table" };

    /// <summary>The command, for the root's list.</summary>
    public static Command Create()
    {
        var command = new Command("explain", "What each watch and each context value adds to an item's score (integrated gradients)") { Run, Item, History, Context, Steps, Json };
        command.SetWork((result, _) => Explain(result));
        return command;
    }

    private static int Explain(ParseResult result)
    {
        var steps = result.GetValue(Steps);
        if (steps is < 1 or > MaxSteps)
            throw new DataException($"{Steps.Name} must be between 1 and {MaxSteps}");
        var run = RunFolder.Open(result.GetRequiredValue(Run));
        var catalogue = run.ReadCatalogue();
        var item = IndexOf(catalogue, Item.Name, result.GetRequiredValue(Item));
        int[] history = [.. result.GetRequiredValue(History).Select(id => IndexOf(catalogue, History.Name, id))];
        var context = ReadContext(run.Settings.ContextFields, result.GetValue(Context) ?? []);
        using var network = run.LoadBest(catalogue);
        set_num_threads(run.Settings.Fit.Threads);
        var gradients = IntegratedGradients.Of(network, run.Settings.Fit.MaxHistory, new Question(-1, history, context), item, steps);
        var summary = new ExplainSummary(catalogue, item, history[^gradients.Watches.Length..], run.Settings.ContextFields, context, gradients);
        if (result.GetValue(Json))
            summary.WriteJson(result.InvocationConfiguration.Output);
        else
            summary.WriteTable(result.InvocationConfiguration.Output);
        return 0;
    }

    private static int IndexOf(Catalogue catalogue, string option, string id) =>
        catalogue.TryGetIndex(id, out var index) ? index : throw new DataException($"{option} {id}: the run's catalogue of {catalogue.Count} items has no such item");

    private static ushort[] ReadContext(IReadOnlyList<ContextField> fields, string[] given)
    {
        var codes = new ushort[fields.Count];
        foreach (var pair in given)
        {
            if (pair.Split('=', 2) is not [var key, var value])
                throw new DataException($"{Context.Name} {pair}: must be {Context.HelpName}");
            var f = fields.Select(field => field.Key).ToList().IndexOf(key);
            if (f < 0)
                throw new DataException($"{Context.Name} {pair}: the run's contexts are {string.Join(", ", fields.Select(field => field.Key).DefaultIfEmpty("none"))}");
            codes[f] = (ushort)fields[f].CodeOf(value);
            if (codes[f] == 0)
                throw new DataException($"{Context.Name} {pair}: the values that the run knows are {string.Join(", ", fields[f].Values)}; leave the field out if it is unknown");
        }

        return codes;
    }
}
