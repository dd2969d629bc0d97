using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>
/// The contract in its plainest form, the oracle of these tests: a full sort, a loop for every sum, doubles, compensated.
/// Only the uniform random number of a slot is shared with the sampler.
/// </summary>
internal sealed class ReferenceSampler
{
    private readonly float[] _row;
    private readonly SamplingParameters _parameters;
    private readonly double[] _probability;

    public ReferenceSampler(float[] row, Func<int, bool> isExcluded, SamplingParameters parameters)
    {
        (_row, _parameters) = (row, parameters);
        var eligible = Enumerable.Range(0, row.Length).Where(i => i > 0 && !isExcluded(i) && row[i] > float.NegativeInfinity).ToArray();
        _probability = new double[row.Length];
        if (eligible.Length == 0)
            return;
        var max = eligible.Max(i => (double)row[i]);
        foreach (var i in eligible)
            _probability[i] = Math.Exp((row[i] - max) / parameters.Temperature);
        var total = Sum(eligible.Select(i => _probability[i]));
        foreach (var i in eligible)
            _probability[i] /= total;

        Array.Sort(eligible, (a, b) => row[a] == row[b] ? a.CompareTo(b) : row[b].CompareTo(row[a]));
        Window = parameters.TopK > 0 ? [.. eligible.Take(parameters.TopK)] : eligible;
        NucleusSize = SizeOfNucleus(Sum(Window.Select(i => _probability[i])));
        NucleusMass = Sum(Window.Take(NucleusSize).Select(i => _probability[i]));
    }

    /// <summary>The items that can be in the slate, most probable first.</summary>
    public int[] Window { get; } = [];

    public int NucleusSize { get; }

    public double NucleusMass { get; }

    public double Probability(int item) => _probability[item];

    public SlateSlot[] Sample(int slotCount)
    {
        var slots = new SlateSlot[Math.Min(slotCount, Window.Length)];
        var left = Window.Take(NucleusSize).Order().ToList();
        for (var slot = 0; slot < slots.Length; slot++)
        {
            if (_parameters.Strategy == SamplingStrategy.Greedy || left.Count == 0)
            {
                slots[slot] = Slot(Window[slot], 1, _parameters.Strategy != SamplingStrategy.Greedy);
                continue;
            }

            var law = FirstDraw(left);
            var rest = CounterRandom.Uniform(_parameters.Seed, slot);
            var drawn = 0;
            while (drawn < left.Count - 1 && rest >= law[drawn])
                rest -= law[drawn++];
            slots[slot] = Slot(left[drawn], law[drawn], false);
            left.RemoveAt(drawn);
        }

        return slots;
    }

    /// <summary>Every ordered slate of so many slots with its probability; the key's decimal digits are the items, below 10.</summary>
    public Dictionary<int, double> SlateLaw(int slotCount)
    {
        var law = new Dictionary<int, double>();
        Extend([], Window.Take(NucleusSize).Order().ToList(), 1);
        return law;

        void Extend(int[] slate, List<int> left, double probability)
        {
            if (slate.Length == Math.Min(slotCount, Window.Length))
                law.Add(slate.Aggregate(0, (key, item) => (10 * key) + item), probability);
            else if (left.Count == 0)
                Extend([.. slate, Window[slate.Length]], left, probability);
            else
            {
                var next = FirstDraw(left);
                for (var i = 0; i < left.Count; i++)
                    Extend([.. slate, left[i]], [.. left.Where(item => item != left[i])], probability * next[i]);
            }
        }
    }

    private static double Sum(IEnumerable<double> terms)
    {
        double sum = 0, lost = 0;
        foreach (var term in terms)
        {
            var next = sum + term;
            lost += Math.Abs(sum) >= Math.Abs(term) ? sum - next + term : term - next + sum;
            sum = next;
        }

        return sum + lost;
    }

    private double[] FirstDraw(List<int> left)
    {
        var max = left.Max(i => (double)_row[i]);
        var weights = left.Select(i => Math.Exp((_row[i] - max) / _parameters.Temperature)).ToArray();
        var total = Sum(weights);
        return [.. weights.Select(w => w / total)];
    }

    private int SizeOfNucleus(double windowMass)
    {
        if (_parameters.Strategy == SamplingStrategy.Full || _parameters.TopP == 1)
            return Window.Length;
        double sum = 0, lost = 0;
        for (var n = 0; n < Window.Length; n++)
        {
            var term = _probability[Window[n]] / windowMass;
            var next = sum + term;
            lost += sum >= term ? sum - next + term : term - next + sum;
            sum = next;
            if (sum + lost >= _parameters.TopP - 1e-12)
                return n + 1;
        }

        return Window.Length;
    }

    private SlateSlot Slot(int item, double propensity, bool fill) => new(item, _row[item], _probability[item], propensity, fill);
}
