using System.Globalization;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Registry;

/// <summary>The golden gate: a version must answer the probe as the trainer recorded it.</summary>
internal static class ProbeCheck
{
    /// <summary>Asks every case of the package's probe.</summary>
    /// <exception cref="PackageException">Names the case and the difference.</exception>
    internal static void Run(ModelPackage package, ModelRunner runner)
    {
        for (var number = 0; number < package.Probe.Cases.Count; number++)
        {
            var asked = package.Probe.Cases[number];
            try
            {
                var query = Query.Encode(package, RequestOf(asked), new HashSet<string>());
                _ = runner.Run([query.Input], logitRows: 1, (output, _) => Compare(package, number, output.LogitsOf(0)));
            }
            catch (Exception e) when (e is InvalidLogitsException or InvalidRequestException)
            {
                throw new PackageException(package.PathOf(PackageFiles.Probe), $"is not answered as recorded: case {number + 1}, {e.Message}", e);
            }
        }
    }

    /// <summary>A case as a request.</summary>
    internal static ModelRequest RequestOf(ProbeCase asked) => new ScoreRequest
    {
        History = asked.History,
        WatchedAt = asked.WatchedAt ?? [],
        HistoryContext = asked.HistoryContext ?? [],
        Context = asked.Context,
    };

    /// <returns>The answers that were compared.</returns>
    private static int Compare(ModelPackage package, int number, ReadOnlySpan<float> logits)
    {
        var (path, expected) = (package.PathOf(PackageFiles.Probe), package.Probe.Cases[number]);
        Require(NucleusSampler.LogSumExp(logits), expected.LogSumExp, "log-sum-exp");
        foreach (var answer in expected.Answers)
        {
            if (!package.Catalogue.TryGetIndex(answer.ItemId, out var item))
                throw new PackageException(path, $"case {number + 1} names item \"{answer.ItemId}\", which the catalogue does not have");
            Require(logits[item], answer.Logit, $"item \"{answer.ItemId}\"");
        }

        return expected.Answers.Count;

        void Require(double actual, double wanted, string what)
        {
            // Written so that NaN fails.
            if (!(Math.Abs(actual - wanted) <= package.Probe.Tolerance))
            {
                throw new PackageException(path, string.Create(
                    CultureInfo.InvariantCulture,
                    $"is not answered as recorded: case {number + 1}, {what}: {actual:G7} instead of {wanted:G7} (tolerance {package.Probe.Tolerance:G3})"));
            }
        }
    }
}
