using Microsoft.ML.OnnxRuntime;

namespace RecoServe.Engine.Inference;

/// <summary>
/// The one pool of threads on which ONNX Runtime computes, for all models of the process: pools of their own would compete for
/// the same cores. Its threads sleep when there is nothing to compute; spinning would burn cores that answer requests.
/// </summary>
internal static class RuntimeThreads
{
    private static readonly Lock Creation = new();

    /// <summary>Creates the pool; the first to load a model decides on its size.</summary>
    /// <param name="count">Threads of the pool, the one that calls counted.</param>
    public static void Create(int count)
    {
        lock (Creation)
        {
            if (OrtEnv.IsCreated)
                return;
            using var threads = new OrtThreadingOptions
            {
                GlobalIntraOpNumThreads = count,
                GlobalInterOpNumThreads = 1,
                GlobalSpinControl = false,
            };
            // Errors come as exceptions, which are logged with the version's name.
            var options = new EnvironmentCreationOptions
            {
                logId = "recoserve",
                logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
                threadOptions = threads,
            };
            OrtEnv.CreateInstanceWithOptions(ref options);
        }
    }
}
