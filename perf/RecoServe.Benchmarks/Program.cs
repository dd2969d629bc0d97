using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Running;
using RecoServe.Benchmarks;
using RecoServe.Benchmarks.Sampling;

if (args is ["sampler"])
    return SamplerRun.Run();

// Everything, in short: of the sampler's cases those of 100,000 items and p = 0.9. BenchmarkDotNet's switches narrow it further.
var config = new InProcessRun().AddFilter(new SimpleFilter(SamplerRun.IsTypical));
var summaries = BenchmarkSwitcher.FromAssembly(typeof(InProcessRun).Assembly).Run(args.Length > 0 ? args : ["--filter", "*"], config).ToArray();
ResultFile.Write(MeasuredCase.Of(summaries));
return summaries.Length > 0 && summaries.All(s => !s.HasCriticalValidationErrors && s.Reports.All(r => r.Success)) ? 0 : 1;
