using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Amazon.S3.Transfer;

namespace RecoServe.Engine.Stores;

/// <summary>
/// A bucket in anything that speaks S3. What the SDK throws leaves as <see cref="StoreUnavailableException"/>, which names the option
/// and the key. Requests are tried three times.
/// </summary>
internal sealed class Bucket(BucketAddress address, BucketOptions options, TimeProvider clock) : IDisposable
{
    /// <summary>How long nothing may come of an object that is being read.</summary>
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(30);

    private readonly Lazy<AmazonS3Client> _client = new(() => new AmazonS3Client(Configure(options)));

    internal BucketAddress Address => address;

    private AmazonS3Client Client => _client.Value;

    public void Dispose()
    {
        if (_client.IsValueCreated)
            Client.Dispose();
    }

    /// <summary>Every object whose key begins so.</summary>
    internal Task<List<BucketObject>> ListAsync(string prefix, CancellationToken cancellationToken) => TryAsync(prefix, "cannot be listed", async () =>
    {
        var (found, request) = (new List<BucketObject>(), new ListObjectsV2Request { BucketName = address.Bucket, Prefix = prefix });
        do
        {
            var page = await Client.ListObjectsV2Async(request, cancellationToken);
            found.AddRange((page.S3Objects ?? []).Select(o => new BucketObject(o.Key, o.Size ?? 0, Unquote(o.ETag))));
            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
        return found;
    }, cancellationToken);

    /// <summary>ETag and time of an object; empty if there is none.</summary>
    internal Task<string> MarkOfAsync(string key, CancellationToken cancellationToken) => TryAsync(key, "cannot be looked at", async () =>
    {
        try
        {
            var head = await Client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = address.Bucket, Key = key }, cancellationToken);
            return $"{head.ETag}@{head.LastModified?.Ticks}";
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return "";
        }
    }, cancellationToken);

    /// <summary>Reads an object, if it is still the one that was listed, into a file that is on disk when this returns.</summary>
    /// <param name="source">The object.</param>
    /// <param name="path">Replaced.</param>
    /// <param name="arrived">Told of the bytes as they come.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Whether the ETag is the MD5 of what was read: of an encrypted object it may not be.</returns>
    /// <exception cref="IOException">The file cannot be written.</exception>
    internal async Task<bool> DownloadAsync(BucketObject source, string path, Action<long> arrived, CancellationToken cancellationToken)
    {
        var request = new GetObjectRequest { BucketName = address.Bucket, Key = source.Key, EtagToMatch = $"\"{source.ETag}\"" };
        using var response = await TryAsync(source.Key, "cannot be read", () => Client.GetObjectAsync(request, cancellationToken), cancellationToken);
        await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        using var stalled = new CancellationTokenSource(Stall, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stalled.Token);
        var buffer = new byte[1 << 17];
        while (await TryAsync(source.Key, "cannot be read", () => ReadAsync(response.ResponseStream, buffer, either.Token), cancellationToken) is > 0 and var read)
        {
            stalled.CancelAfter(Stall);
            await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            arrived(read);
        }

        file.Flush(flushToDisk: true);
        return source.HasMd5 && !HasKeyOfItsOwn(response);
    }

    /// <summary>The text of a small object; null if there is none.</summary>
    internal Task<string?> ReadTextAsync(string key, CancellationToken cancellationToken) => TryAsync<string?>(key, "cannot be read", async () =>
    {
        try
        {
            using var response = await Client.GetObjectAsync(address.Bucket, key, cancellationToken);
            using var reader = new StreamReader(response.ResponseStream);
            return await reader.ReadToEndAsync(cancellationToken);
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }, cancellationToken);

    /// <summary>Writes a small object unless there is another of its key.</summary>
    /// <returns>Whether what is there is what was to be written: a request that is repeated may find its own object.</returns>
    internal Task<bool> TryCreateAsync(string key, string text, CancellationToken cancellationToken) => TryAsync(key, "cannot be written", async () =>
    {
        try
        {
            await Client.PutObjectAsync(new PutObjectRequest { BucketName = address.Bucket, Key = key, ContentBody = text, IfNoneMatch = "*" }, cancellationToken);
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict)
        {
            return await ReadTextAsync(key, cancellationToken) == text;
        }
    }, cancellationToken);

    /// <summary>Writes an object from a file, a large one in parts.</summary>
    /// <param name="key">The key.</param>
    /// <param name="path">The file.</param>
    /// <param name="sent">Told how many bytes of it have been sent.</param>
    /// <param name="cancellationToken">Ends it; parts are removed.</param>
    internal Task UploadAsync(string key, string path, Action<long> sent, CancellationToken cancellationToken) => TryAsync(key, "cannot be written", async () =>
    {
        using var transfer = new TransferUtility(Client);
        var request = new TransferUtilityUploadRequest { BucketName = address.Bucket, Key = key, FilePath = path };
        request.UploadProgressEvent += (_, progress) => sent(Math.Min(progress.TransferredBytes, progress.TotalBytes)); // what is sent again counts again
        await transfer.UploadAsync(request, cancellationToken);
        return true;
    }, cancellationToken);

    /// <summary>Removes an object, if there is one.</summary>
    internal Task DeleteAsync(string key, CancellationToken cancellationToken) =>
        TryAsync(key, "cannot be removed", () => Client.DeleteObjectAsync(address.Bucket, key, cancellationToken), cancellationToken);

    private static AmazonS3Config Configure(BucketOptions options)
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = options.PathStyle,
            RetryMode = RequestRetryMode.Standard,
            MaxErrorRetry = 2,
            // Many stores know none of Amazon's newer checksums; the package brings its own.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.Endpoint.Length > 0)
            (config.ServiceURL, config.AuthenticationRegion) = (options.Endpoint, options.Region.Length > 0 ? options.Region : "us-east-1");
        else if (options.Region.Length > 0)
            config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(options.Region);
        return config;
    }

    /// <summary>Whether it is encrypted with a key that is not the store's.</summary>
    private static bool HasKeyOfItsOwn(GetObjectResponse response) =>
        response.ServerSideEncryptionMethod?.Value?.StartsWith("aws:", StringComparison.Ordinal) == true
        || !string.IsNullOrEmpty(response.ServerSideEncryptionCustomerMethod?.Value);

    private static async Task<int> ReadAsync(Stream content, byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await content.ReadAsync(buffer, cancellationToken);
        }
        catch (AmazonClientException)
        {
            return 0; // the SDK found at the end that it is damaged: let whoever reads say so, who will not take it for an outage
        }
    }

    private static string Unquote(string? etag) => etag?.Trim('"') ?? "";

    private async Task<T> TryAsync<T>(string key, string problem, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call();
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (AmazonServiceException e)
        {
            throw Unavailable(key, problem, e.StatusCode == HttpStatusCode.PreconditionFailed ? "it was written anew meanwhile" : $"{e.ErrorCode}: {e.Message}", e);
        }
        catch (OperationCanceledException e)
        {
            throw Unavailable(key, problem, "nothing came in time", e);
        }
        catch (AmazonClientException e) when (e.Message.Contains("credentials", StringComparison.OrdinalIgnoreCase))
        {
            const string Hint = "no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role";
            throw Unavailable(key, problem, Hint, e);
        }
        catch (Exception e) when (e is AmazonClientException or HttpRequestException or IOException or TimeoutException)
        {
            throw Unavailable(key, problem, e.Message, e);
        }
    }

    private StoreUnavailableException Unavailable(string key, string problem, string reason, Exception inner) =>
        new($"{options.Option} {address}: {(key.Length > 0 ? address.UriOf(key) : "the bucket")} {problem}: {reason}", inner);
}
