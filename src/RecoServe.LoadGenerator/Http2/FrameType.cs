namespace RecoServe.LoadGenerator.Http2;

/// <summary>The frame types of HTTP/2 (RFC 9113, section 6) that <see cref="Connection"/> sends or reads.</summary>
internal enum FrameType : byte
{
    /// <summary>A part of a body.</summary>
    Data = 0,

    /// <summary>Header fields, or trailers.</summary>
    Headers = 1,

    /// <summary>A stream ends at once.</summary>
    ResetStream = 3,

    /// <summary>Settings, or their acknowledgement.</summary>
    Settings = 4,

    /// <summary>To be sent back.</summary>
    Ping = 6,

    /// <summary>More bytes may be sent.</summary>
    WindowUpdate = 8,
}
