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
        var path = package.PathOf(PackageFiles.Probe);
        var probe = package.Probe;
        for (var c = 0; c < probe.Cases.Count; c++)
        {
            var expected = probe.Cases[c];
            var (logits, logSumExp) = Answer(package, runner, c);
            Require(logSumExp, expected.LogSumExp, "log-sum-exp");
            foreach (var answer in expected.Answers)
            {
                if (!package.Catalogue.TryGetIndex(answer.ItemId, out var item))
                    throw new PackageException(path, $"case {c + 1} names item \"{answer.ItemId}\", which the catalogue does not have");
                Require(logits[item], answer.Logit, $"item \"{answer.ItemId}\"");
            }

            void Require(double actual, double wanted, string what)
            {
                // Written so that NaN fails.
                if (!(Math.Abs(actual - wanted) <= probe.Tolerance))
                {
                    throw new PackageException(path, string.Create(
                        CultureInfo.InvariantCulture,
                        $"is not answered as recorded: case {c + 1}, {what}: {actual:G7} instead of {wanted:G7} (tolerance {probe.Tolerance:G3})"));
                }
            }
        }
    }

    private static (float[] Logits, double LogSumExp) Answer(ModelPackage package, ModelRunner runner, int number)
    {
        var asked = package.Probe.Cases[number];
        try
        {
            var logits = runner.Logits(Query.Encode(package, asked.History, asked.WatchedAt ?? [], asked.Context, new HashSet<string>()));
            return (logits, NucleusSampler.LogSumExp(logits));
        }
        catch (Exception e) when (e is InvalidLogitsException or InvalidRequestException)
        {
            throw new PackageException(package.PathOf(PackageFiles.Probe), $"is not answered as recorded: case {number + 1}, {e.Message}", e);
        }
    }
}
