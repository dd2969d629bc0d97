using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using RecoServe.Benchmarks;
using RecoServe.Benchmarks.Sampling;

if (args is ["sampler"])
    return SamplerRun.Run();

// Everything, in short: of the sampler's cases those of 100,000 items and p = 0.9. BenchmarkDotNet's switches narrow it further.
// The warm-up outlasts the tiers of the JIT, which compiles in the background, also on a busy machine.
var config = new InProcessRun(warmups: 40, iterations: 25, ConsoleLogger.Default).AddFilter(new SimpleFilter(SamplerRun.IsTypical));
var summaries = BenchmarkSwitcher.FromAssembly(typeof(InProcessRun).Assembly).Run(args.Length > 0 ? args : ["--filter", "*"], config).ToArray();
ResultFile.Write(summaries);
return summaries.Length > 0 && summaries.All(s => !s.HasCriticalValidationErrors && s.Reports.All(r => r.Success)) ? 0 : 1;
