using Microsoft.Extensions.Logging;

namespace RecoServe.Engine;

/// <summary>Everything the engine says.</summary>
internal static partial class EngineLog
{
    [LoggerMessage(1, LogLevel.Warning, "Model {Version}: a batch of {Rows} requests failed and is repeated one by one", EventName = "BatchFailed")]
    internal static partial void BatchFailed(ILogger logger, string version, int rows, Exception exception);

    [LoggerMessage(2, LogLevel.Information, "Model {Version} is {State}", EventName = "VersionState")]
    internal static partial void VersionState(ILogger logger, string version, string state);

    [LoggerMessage(3, LogLevel.Information, "Model {Version} serves {Items} items: verified and loaded in {LoadMilliseconds:F0} ms, warmed up in {WarmMilliseconds:F0} ms", EventName = "VersionServes")]
    internal static partial void VersionServes(ILogger logger, string version, int items, double loadMilliseconds, double warmMilliseconds);

    [LoggerMessage(4, LogLevel.Error, "Model {Version} could not be loaded: {Problem}", EventName = "VersionFailed")]
    internal static partial void VersionFailed(ILogger logger, string version, string problem);

    [LoggerMessage(5, LogLevel.Warning, "{Directory} has no manifest.json: it is not complete and is left out", EventName = "IncompleteVersion")]
    internal static partial void IncompleteVersion(ILogger logger, string directory);

    [LoggerMessage(6, LogLevel.Warning, "Model {Version} is draining: {Leases} requests still hold it after {Elapsed}", EventName = "DrainSlow")]
    internal static partial void DrainSlow(ILogger logger, string version, long leases, TimeSpan elapsed);

    [LoggerMessage(7, LogLevel.Error, "Model {Version}: {Requests} requests of one input failed", EventName = "RowFailed")]
    internal static partial void RowFailed(ILogger logger, string version, int requests, Exception exception);
}
