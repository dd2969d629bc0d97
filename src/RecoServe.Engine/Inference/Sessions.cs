using System.Text.RegularExpressions;
using Microsoft.ML.OnnxRuntime;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Inference;

/// <summary>Opens graphs on the one pool of threads.</summary>
internal static partial class Sessions
{
    /// <summary>Options for a session of any version.</summary>
    internal static SessionOptions CreateOptions(RunnerOptions options)
    {
        RuntimeThreads.Create(options.PoolSize);
        var session = new SessionOptions
        {
            // Inputs differ in length: a memory plan for each shape would only grow.
            EnableMemoryPattern = false,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        session.DisablePerSessionThreads();
        if (options.Device == "cuda")
            session.AppendExecutionProvider_CUDA();
        return session;
    }

    /// <summary>Reads a graph.</summary>
    /// <exception cref="PackageException">ONNX Runtime refuses it.</exception>
    internal static InferenceSession Open(string path, SessionOptions options)
    {
        try
        {
            return new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new PackageException(path, $"is refused by ONNX Runtime: {OwnPlaces.Replace(e.Message, "")}", e);
        }
    }

    /// <summary>What ONNX Runtime's messages begin with: a code, the file again, and where in its own source it stood.</summary>
    [GeneratedRegex(@"^\[ErrorCode:\w+\] (Load model from .*? failed:)?(/\S+:\d+ [^()]*\([^()]*\) )?")]
    private static partial Regex OwnPlaces { get; }
}
