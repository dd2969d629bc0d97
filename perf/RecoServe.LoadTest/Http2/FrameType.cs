namespace RecoServe.LoadTest.Http2;

/// <summary>Frame types of HTTP/2 (RFC 9113, section 6) that this client sends or reads.</summary>
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

    /// <summary>To be answered.</summary>
    Ping = 6,

    /// <summary>No new streams.</summary>
    GoAway = 7,

    /// <summary>More may be sent.</summary>
    WindowUpdate = 8,

    /// <summary>More header fields.</summary>
    Continuation = 9,
}
