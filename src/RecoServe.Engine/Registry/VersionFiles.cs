namespace RecoServe.Engine.Registry;

/// <summary>The files of a version in a local directory, where they stay until this is disposed: hold it while they are read.</summary>
/// <param name="directory">The directory.</param>
/// <param name="fingerprint">Another one if a file was written since.</param>
/// <param name="release">Called once.</param>
internal sealed class VersionFiles(string directory, string fingerprint, Action? release = null) : IDisposable
{
    private Action? _release = release;

    internal string Directory => directory;

    internal string Fingerprint => fingerprint;

    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
