using System.Numerics.Tensors;
using RecoServe.Engine.Sampling;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>A benchmark of wrong answers is none: checks in its setup, whose failure fails the run.</summary>
internal static class Answer
{
    private static readonly HashSet<object> Checked = [];

    /// <summary>Checks something, unless it has been found right before in this process.</summary>
    internal static void CheckOnce(object what, Action check)
    {
        if (Checked.Contains(what))
            return;
        check();
        Checked.Add(what);
    }

    /// <summary>Requires the true nucleus of every row, but for one item at its edge, which double precision itself leaves open, and full slates.</summary>
    internal static void CheckSampler(RowSet rows, in SamplingParameters parameters, SlateSlot[] slots)
    {
        for (var row = 0; row < rows.Rows.Count; row++)
        {
            var slate = NucleusSampler.Sample(rows.Rows[row], mask: null, parameters, slots);
            var exact = rows.Nucleus(row, parameters.Strategy == SamplingStrategy.Full ? 1 : parameters.TopP, parameters.TopK);
            Require(slate.Count == slots.Length, $"row {row}: {slate.Count} slots are filled, not {slots.Length}");
            Require(Math.Abs(slate.NucleusSize - exact.Size) <= 1, $"row {row}: the nucleus has {slate.NucleusSize} items, by sorting {exact.Size}");
            Require(slots.Select(s => s.Item).Distinct().Count() == slots.Length, $"row {row}: an item is twice in the slate");
        }
    }

    /// <summary>Requires the sums of every row.</summary>
    internal static void CheckFloors(RowSet rows)
    {
        foreach (var row in rows.Rows)
        {
            var (logSum, exact) = (Math.Log(ExpSum.Of(row, 0)), NucleusSampler.LogSumExp(row));
            Require(Math.Abs(logSum - exact) < 1e-5, $"the log-sum-exp is {logSum}, in double precision {exact}");
            var (sum, other) = (PlainRead.Of(row.AsSpan(1)), TensorPrimitives.Sum<float>(row.AsSpan(1)));
            Require(Math.Abs(sum - other) <= 1e-5 * TensorPrimitives.SumOfMagnitudes<float>(row.AsSpan(1)), $"the sum is {sum}, not {other}");
        }
    }

    /// <summary>Throws if something does not hold.</summary>
    internal static void Require(bool holds, string otherwise)
    {
        if (!holds)
            throw new InvalidOperationException(otherwise);
    }
}
