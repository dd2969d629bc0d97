namespace RecoServe.Server;

/// <summary>The server finishes what it has, and takes nothing new.</summary>
internal sealed class ServerStoppingException : Exception;
