using Grpc.Core;

namespace RecoServe.LoadGenerator.Http2;

/// <summary>How a call ended.</summary>
/// <param name="Status">The server's status; Unavailable if the call could not be sent or the connection was lost.</param>
/// <param name="Message">The answer, serialised; empty unless the status is OK.</param>
internal readonly record struct Answer(StatusCode Status, ReadOnlyMemory<byte> Message);
