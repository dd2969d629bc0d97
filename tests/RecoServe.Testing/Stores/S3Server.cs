using System.Diagnostics;
using System.Globalization;
using Amazon.Runtime;
using Amazon.S3;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;

namespace RecoServe.Testing.Stores;

/// <summary>
/// An S3 server in a process of its own (s3rver, from npm, installed into artifacts when first needed), with one bucket. It can be killed,
/// started again over the same objects, and held in the middle of an object.
/// </summary>
public sealed class S3Server : IDisposable
{
    public const string Bucket = "models";

    /// <summary>What may not appear in any log.</summary>
    public const string Secret = "S3RVER";

    private const string Package = "@20minutes/s3rver";
    private const string Version = "4.0.4";

    /// <summary>Test classes of a process begin at the same time, and would install into the same place.</summary>
    private static readonly SemaphoreSlim Installing = new(1);

    private readonly TemporaryDirectory _objects = new();
    private readonly string _modules;
    private Process? _process;
    private int _port;

    private S3Server(string modules) => _modules = modules;

    public string Endpoint => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}");

    public BucketOptions Access => new("--to", Endpoint, PathStyle: true);

    /// <summary>A client with the credentials of the server; null before it was started.</summary>
    public AmazonS3Client Client { get; private set; } = null!;

    /// <summary>A running server, or null and the reason why there is none on this machine.</summary>
    public static async Task<(S3Server? Server, string Reason)> TryStartAsync()
    {
        // Found by the SDK as in production.
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", "S3RVER");
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", Secret);
        await Installing.WaitAsync();
        var (modules, reason) = await InstallAsync();
        Installing.Release();
        if (modules is null)
            return (null, reason);
        var server = new S3Server(modules);
        await server.StartAsync();
        server.Client = new AmazonS3Client(
            new BasicAWSCredentials("S3RVER", Secret),
            new AmazonS3Config { ServiceURL = server.Endpoint, ForcePathStyle = true, RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED });
        return (server, "");
    }

    /// <summary>Starts it, after <see cref="Kill"/> on the same port with the same objects.</summary>
    public async Task StartAsync()
    {
        var script = RepositoryRoot.File("tests", "RecoServe.Testing", "Stores", "s3-server.js");
        _process = Process.Start(new ProcessStartInfo("node", [script, _modules, _objects.Path, _port.ToString(CultureInfo.InvariantCulture), Bucket])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var line = await _process.StandardOutput.ReadLineAsync();
        _port = int.Parse(line ?? throw new InvalidOperationException("the S3 server ended before it was ready"), CultureInfo.InvariantCulture);
    }

    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>Reading of keys that end so stops in the middle; with "" none does.</summary>
    public Task HoldAsync(string suffix) => ControlAsync($"hold/{suffix}");

    /// <summary>Whether If-None-Match is heeded.</summary>
    public Task HeedConditionsAsync(bool heeded) => ControlAsync($"conditions/{(heeded ? "on" : "off")}");

    /// <summary>Where the server keeps the content of an object: to damage it behind its back.</summary>
    public string FileOf(string key) => _objects.File($"{Bucket}/{key}._S3rver_object");

    /// <summary>Replaces an object without a request.</summary>
    public void WriteBehind(string key, string text)
    {
        File.WriteAllText(FileOf(key), text);
        File.Delete(FileOf(key) + ".md5");
    }

    /// <summary>Gives an object another ETag: this server gives objects of several parts their MD5.</summary>
    public void SetETag(string key, string etag) => File.WriteAllText(FileOf(key) + ".md5", etag);

    /// <summary>Publishes a model as its next version.</summary>
    public async Task<string> PublishAsync(TestModel model, string prefix, long? version = null)
    {
        using var local = new TemporaryDirectory();
        using var publisher = Publisher(prefix);
        return await publisher.PublishAsync(ModelPackage.Open(model.Publish(local.Path)), version, (_, _) => { }, CancellationToken.None);
    }

    public BucketPublisher Publisher(string prefix) => new(BucketAddress.Parse($"s3://{Bucket}/{prefix}"), Access, TimeProvider.System);

    public Task PutAsync(string key, string text) => Client.PutObjectAsync(new() { BucketName = Bucket, Key = key, ContentBody = text });

    public async Task<IReadOnlyList<string>> KeysAsync(string prefix)
    {
        var page = await Client.ListObjectsV2Async(new() { BucketName = Bucket, Prefix = prefix });
        return [.. (page.S3Objects ?? []).Select(o => o.Key)];
    }

    public async Task DeleteAsync(string prefix)
    {
        foreach (var key in await KeysAsync(prefix))
            await Client.DeleteObjectAsync(Bucket, key);
    }

    public void Dispose()
    {
        Kill();
        Client?.Dispose();
        _objects.Dispose();
    }

    private static async Task<(string? Modules, string Reason)> InstallAsync()
    {
        var target = RepositoryRoot.File("artifacts", $"s3rver-{Version}");
        if (Directory.Exists(target))
            return (Path.Combine(target, "node_modules"), "");
        var staging = $"{target}.{Environment.ProcessId}";
        Directory.CreateDirectory(staging);
        try
        {
            using var npm = Process.Start(new ProcessStartInfo("npm", ["install", "--no-audit", "--no-fund", "--no-save", "--prefix", staging, $"{Package}@{Version}"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var output = npm.StandardOutput.ReadToEndAsync();
            var error = await npm.StandardError.ReadToEndAsync();
            await output;
            await npm.WaitForExitAsync();
            if (npm.ExitCode != 0)
                return (null, $"npm cannot install {Package}@{Version}: {error.Trim()}");
            Directory.Move(staging, target);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (null, "there is no npm, so no S3 server");
        }
        catch (IOException) when (Directory.Exists(target))
        {
            // Another test project was faster.
        }
        finally
        {
            if (Directory.Exists(staging))
                Directory.Delete(staging, recursive: true);
        }

        return (Path.Combine(target, "node_modules"), "");
    }

    private async Task ControlAsync(string command)
    {
        using var http = new HttpClient();
        using var answer = await http.PutAsync(new Uri($"{Endpoint}/-/{command}"), null);
        answer.EnsureSuccessStatusCode();
    }
}
