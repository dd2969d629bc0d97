namespace RecoServe.Benchmarks;

/// <summary>A benchmark whose methods take their input from a cycle.</summary>
internal interface ICyclicBenchmark
{
    /// <summary>Calls after which a method has had every input once: those of a whole cycle compare.</summary>
    int Cycle { get; }
}
