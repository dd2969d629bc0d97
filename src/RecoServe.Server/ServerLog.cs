namespace RecoServe.Server;

/// <summary>Everything the server says beside the engine.</summary>
internal static partial class ServerLog
{
    [LoggerMessage(101, LogLevel.Error, "Call {Method} failed", EventName = "CallFailed")]
    internal static partial void CallFailed(ILogger logger, string method, Exception exception);
}
