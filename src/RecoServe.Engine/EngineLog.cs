using Microsoft.Extensions.Logging;

namespace RecoServe.Engine;

/// <summary>Everything the engine says.</summary>
internal static partial class EngineLog
{
    [LoggerMessage(1, LogLevel.Warning, "Model {Version}: a batch of {Rows} requests failed and is repeated one by one", EventName = "BatchFailed")]
    internal static partial void BatchFailed(ILogger logger, string version, int rows, Exception exception);

    [LoggerMessage(2, LogLevel.Information, "Model {Version} is {State}", EventName = "VersionState")]
    internal static partial void VersionState(ILogger logger, string version, string state);

    [LoggerMessage(3, LogLevel.Information, "Model {Version} serves {Summary}: verified and loaded in {LoadMilliseconds:F0} ms, warmed up in {WarmMilliseconds:F0} ms", EventName = "VersionServes")]
    internal static partial void VersionServes(ILogger logger, string version, string summary, double loadMilliseconds, double warmMilliseconds);

    [LoggerMessage(4, LogLevel.Error, "Model {Version} could not be loaded: {Problem}", EventName = "VersionFailed")]
    internal static partial void VersionFailed(ILogger logger, string version, string problem);

    [LoggerMessage(5, LogLevel.Warning, "{Directory} has no manifest.json and no model.onnx: it is not complete and is left out", EventName = "IncompleteVersion")]
    internal static partial void IncompleteVersion(ILogger logger, string directory);

    [LoggerMessage(6, LogLevel.Warning, "Model {Version} is draining: {Leases} requests still hold it after {Elapsed}", EventName = "DrainSlow")]
    internal static partial void DrainSlow(ILogger logger, string version, long leases, TimeSpan elapsed);

    [LoggerMessage(7, LogLevel.Error, "Model {Version}: {Requests} requests of one input failed", EventName = "RowFailed")]
    internal static partial void RowFailed(ILogger logger, string version, int requests, Exception exception);

    [LoggerMessage(8, LogLevel.Error, "The model repository cannot be looked at, and everything stays as it is: {Problem}", EventName = "RepositoryUnreadable")]
    internal static partial void RepositoryUnreadable(ILogger logger, string problem);

    [LoggerMessage(9, LogLevel.Error, "A look at the model repository failed", EventName = "LookFailed")]
    internal static partial void LookFailed(ILogger logger, Exception exception);

    [LoggerMessage(10, LogLevel.Warning, "There are no events of the file system, so the trigger file is looked at every {Interval}: {Problem}", EventName = "NoFileEvents")]
    internal static partial void NoFileEvents(ILogger logger, TimeSpan interval, string problem);

    [LoggerMessage(11, LogLevel.Information, "Model {Model}: label {Label} points at version {Version} (0: at none), before at {Before}", EventName = "LabelSet")]
    internal static partial void LabelSet(ILogger logger, string model, string label, long version, long before);

    [LoggerMessage(12, LogLevel.Warning, "Model {Version} is rolled back: {Reason}", EventName = "RolledBack")]
    internal static partial void RolledBack(ILogger logger, string version, string reason);

    [LoggerMessage(13, LogLevel.Error, "Model {Version} should be rolled back, and cannot be: {Reason}", EventName = "RollBackFailed")]
    internal static partial void RollBackFailed(ILogger logger, string version, string reason, Exception exception);

    [LoggerMessage(14, LogLevel.Warning, "Model {Version}: a shadow run failed", EventName = "ShadowFailed")]
    internal static partial void ShadowFailed(ILogger logger, string version, Exception exception);
}
