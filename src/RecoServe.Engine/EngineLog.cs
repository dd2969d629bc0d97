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

    [LoggerMessage(20, LogLevel.Information, "The model repository can be looked at again", EventName = "RepositoryReadable")]
    internal static partial void RepositoryReadable(ILogger logger);

    [LoggerMessage(21, LogLevel.Warning, "{Directory} is ignored: the name of a model must be {Rule}", EventName = "NameIgnored")]
    internal static partial void NameIgnored(ILogger logger, string directory, string rule);

    [LoggerMessage(9, LogLevel.Error, "A look at the model repository failed", EventName = "LookFailed")]
    internal static partial void LookFailed(ILogger logger, Exception exception);

    [LoggerMessage(23, LogLevel.Warning, "A look at the model repository left something undone: {Problem}", EventName = "LookIncomplete")]
    internal static partial void LookIncomplete(ILogger logger, string problem);

    [LoggerMessage(10, LogLevel.Warning, "There are no events of the file system, so the trigger file is looked at every {Interval}: {Problem}", EventName = "NoFileEvents")]
    internal static partial void NoFileEvents(ILogger logger, TimeSpan interval, string problem);

    [LoggerMessage(11, LogLevel.Information, "Model {Model}: label {Label} points at version {Version} (0: at none), before at {Before}", EventName = "LabelSet")]
    internal static partial void LabelSet(ILogger logger, string model, string label, long version, long before);

    [LoggerMessage(25, LogLevel.Information, "Model {Model}: traffic.json was read, with the labels: {Labels}", EventName = "TrafficRead")]
    internal static partial void TrafficRead(ILogger logger, string model, string labels);

    [LoggerMessage(12, LogLevel.Warning, "Model {Version} is rolled back: {Reason}; {Outcome} the label {Label}", EventName = "RolledBack")]
    internal static partial void RolledBack(ILogger logger, string version, string reason, string outcome, string label);

    [LoggerMessage(19, LogLevel.Warning, "Model {Version} still has the label {Label}, and answers for it", EventName = "LabelKept")]
    internal static partial void LabelKept(ILogger logger, string version, string label);

    [LoggerMessage(13, LogLevel.Error, "Model {Version} should be rolled back, and cannot be: {Reason}", EventName = "RollBackFailed")]
    internal static partial void RollBackFailed(ILogger logger, string version, string reason, Exception exception);

    [LoggerMessage(22, LogLevel.Error, "Model {Version} is rolled back until the server ends, and is the canary again after a restart, as the repository cannot be written: {Problem}", EventName = "RollBackNotWritten")]
    internal static partial void RollBackNotWritten(ILogger logger, string version, string problem);

    [LoggerMessage(24, LogLevel.Warning, "Model {Version} serves although it does not compute in every size when it is warmed up, and may fail whatever it is asked: {Problem}", EventName = "LeftCold")]
    internal static partial void LeftCold(ILogger logger, string version, string problem);

    [LoggerMessage(14, LogLevel.Warning, "Model {Version}: a shadow run failed", EventName = "ShadowFailed")]
    internal static partial void ShadowFailed(ILogger logger, string version, Exception exception);

    [LoggerMessage(15, LogLevel.Warning, "The bucket does not answer, and what was fetched before serves: {Problem}", EventName = "ServedFromCache")]
    internal static partial void ServedFromCache(ILogger logger, string problem);

    [LoggerMessage(16, LogLevel.Information, "Model {Version}: {Bytes} bytes fetched and verified in {Milliseconds:F0} ms", EventName = "VersionFetched")]
    internal static partial void VersionFetched(ILogger logger, string version, long bytes, double milliseconds);

    [LoggerMessage(17, LogLevel.Error, "Model {Version} could not be fetched, and is tried again at the next look: {Problem}", EventName = "FetchFailed")]
    internal static partial void FetchFailed(ILogger logger, string version, string problem);

    [LoggerMessage(18, LogLevel.Warning, "{Directory} holds versions that are not needed and cannot be removed: {Problem}", EventName = "CacheNotTrimmed")]
    internal static partial void CacheNotTrimmed(ILogger logger, string directory, string problem);
}
