using System.Globalization;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Stores;

/// <summary>
/// Publishes packages into a bucket so that a reader sees either nothing or all of it. (1) A number is claimed: <c>.claim</c> is written only
/// if it is not there, so that of two publishers one gets the number and the other the next. (2) The files are uploaded. (3) If the claim is
/// still this publisher's, the manifest is written, again only if there is none: from then on it is a version.
/// </summary>
/// <remarks>
/// The claim stays. A store that ignores conditions is not known by its answers: there two publishers may get the same number if they begin in
/// the same instant. The later claim then stands, so that the other gives up at (3); the checksums refuse a mixture.
/// </remarks>
public sealed class BucketPublisher : IDisposable
{
    private const string Claim = ".claim";

    private readonly Bucket _bucket;

    /// <summary>Reaches nothing yet.</summary>
    public BucketPublisher(BucketAddress address, BucketOptions options, TimeProvider clock) => _bucket = new Bucket(address, options, clock);

    /// <inheritdoc/>
    public void Dispose() => _bucket.Dispose();

    /// <summary>Copies a package into the bucket, under the model's name and a number that is free.</summary>
    /// <param name="package">Verified.</param>
    /// <param name="version">The number; null: one more than the highest there, complete or not.</param>
    /// <param name="progress">Told of the file under way, and of the share of all bytes that has been sent, 0…1: one call at a time, each share above the one before.</param>
    /// <param name="cancellationToken">Ends it; what was uploaded is removed.</param>
    /// <returns>Where the version is: <c>s3://bucket/prefix/name/number</c>.</returns>
    /// <exception cref="PackageException">The version exists, or another publisher has it.</exception>
    /// <exception cref="StoreUnavailableException">The bucket does not answer, or may not be written.</exception>
    public async Task<string> PublishAsync(ModelPackage package, long? version, Action<string, double> progress, CancellationToken cancellationToken)
    {
        var name = package.Manifest.Name;
        var owner = Guid.NewGuid().ToString();
        var number = await ClaimAsync(name, version, owner, cancellationToken);
        var (folder, uri) = (FolderOf(name, number), _bucket.Address.UriOf(FolderOf(name, number)).TrimEnd('/'));
        try
        {
            await UploadAsync(package, folder, progress, cancellationToken);
            var isOurs = await _bucket.ReadTextAsync(folder + Claim, cancellationToken) == owner;
            if (!isOurs || !await _bucket.TryCreateAsync(folder + PackageFiles.Manifest, (package.Manifest with { Version = number }).ToJson(), cancellationToken))
                throw new PackageException(uri, "was claimed by another publisher meanwhile; nothing was published");
            return uri;
        }
        catch
        {
            await CleanAsync(folder, owner, package.Manifest.Files.Keys);
            throw;
        }
    }

    private string FolderOf(string name, long version) => string.Create(CultureInfo.InvariantCulture, $"{_bucket.Address.Prefix}{name}/{version}/");

    private async Task<long> ClaimAsync(string name, long? version, string owner, CancellationToken cancellationToken)
    {
        while (true)
        {
            var objects = await _bucket.ListAsync($"{_bucket.Address.Prefix}{name}/", cancellationToken);
            var taken = BucketListing.Of(_bucket.Address.Prefix, objects).Versions.Select(v => v.Version).ToHashSet();
            var number = version ?? taken.DefaultIfEmpty(0).Max() + 1;
            if (!taken.Contains(number) && await _bucket.TryCreateAsync(FolderOf(name, number) + Claim, owner, cancellationToken))
                return number;
            if (version is not null)
                throw new PackageException(_bucket.Address.UriOf(FolderOf(name, number)).TrimEnd('/'), "exists, or was begun by another publisher: versions are never overwritten");
        }
    }

    private async Task UploadAsync(ModelPackage package, string folder, Action<string, double> progress, CancellationToken cancellationToken)
    {
        double total = Math.Max(1, package.Manifest.Files.Values.Sum(f => f.Bytes));
        var (told, turn) = (-1.0, new Lock());
        long before = 0;
        foreach (var (file, checksum) in package.Manifest.Files)
        {
            var start = before;
            await _bucket.UploadAsync(folder + file, package.PathOf(file), sent => Tell(file, start + sent), cancellationToken);
            Tell(file, before += checksum.Bytes);
        }

        // The bucket's client tells of it on threads of its own: late, and in any order.
        void Tell(string file, long sent)
        {
            lock (turn)
            {
                if (sent / total > told)
                    progress(file, told = sent / total);
            }
        }
    }

    /// <summary>Removes what was uploaded, the manifest first: it may have arrived although the answer did not. The number of another is left alone.</summary>
    private async Task CleanAsync(string folder, string owner, IEnumerable<string> files)
    {
        try
        {
            if (await _bucket.ReadTextAsync(folder + Claim, CancellationToken.None) != owner)
                return;
            foreach (var file in files.Prepend(PackageFiles.Manifest).Append(Claim))
                await _bucket.DeleteAsync(folder + file, CancellationToken.None);
        }
        catch (StoreUnavailableException)
        {
            // What is left has no manifest, and its claim keeps the number from others.
        }
    }
}
