namespace RecoServe.Engine.Stores;

/// <summary>An object as a listing has it.</summary>
/// <param name="Key">Its whole key.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="ETag">Changes when it is written anew; of an object uploaded in one part, its MD5.</param>
internal sealed record BucketObject(string Key, long Bytes, string ETag)
{
    /// <summary>Whether the ETag has the form of an MD5; the ETag of several parts ends in their number.</summary>
    internal bool HasMd5 => ETag.Length == 32 && ETag.All(char.IsAsciiHexDigitLower);
}
