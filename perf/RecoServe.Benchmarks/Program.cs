using BenchmarkDotNet.Running;
using RecoServe.Benchmarks;

// Without arguments everything runs; --filter '*Sampler*' and the rest of BenchmarkDotNet's switches narrow it.
var summaries = BenchmarkSwitcher.FromAssembly(typeof(ShortRun).Assembly).Run(args.Length > 0 ? args : ["--filter", "*"], new ShortRun()).ToArray();
ResultFile.Write(summaries);
return summaries.Length > 0 && summaries.All(s => !s.HasCriticalValidationErrors && s.Reports.All(r => r.Success)) ? 0 : 1;
