using System.ComponentModel.DataAnnotations;
using RecoServe.Engine.Stores;

namespace RecoServe.Engine.Registry;

/// <summary>Where models come from, which versions are loaded, and when.</summary>
public sealed class RegistryOptions
{
    /// <summary>The model repository: <c>&lt;name&gt;/&lt;version&gt;/manifest.json</c> below this directory, or below <c>s3://bucket/prefix</c>.</summary>
    [Required(ErrorMessage = "must name a directory")]
    [CustomValidation(typeof(BucketAddress), nameof(BucketAddress.Check))]
    public string Repository { get; set; } = "models";

    /// <summary>Directory that versions from a bucket are kept in, with labels and shares; for one server alone.</summary>
    [Required(ErrorMessage = "must name a directory")]
    public string Cache { get; set; } = "model-cache";

    /// <summary>URL of the bucket's store; empty: as the environment says, or Amazon's.</summary>
    [CustomValidation(typeof(BucketOptions), nameof(BucketOptions.CheckEndpoint))]
    public string S3Endpoint { get; set; } = "";

    /// <summary>The bucket's region; empty: as the environment says.</summary>
    public string S3Region { get; set; } = "";

    /// <summary>Whether the bucket stands in the path of a URL instead of its host, as stores other than Amazon's mostly need.</summary>
    public bool S3PathStyle { get; set; }

    /// <summary>The model that answers requests which name none; empty: the only one of the repository at start-up.</summary>
    public string DefaultModel { get; set; } = "";

    /// <summary>When the repository is looked at.</summary>
    public RepositoryMode Mode { get; set; } = RepositoryMode.Explicit;

    /// <summary>Time between two looks: at the repository in mode Poll, at the trigger file in mode Event, should no event come.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00", ErrorMessage = "must be a time from {1} to {2}, such as 00:00:05")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Name of the file in the repository whose change triggers a look in mode Event: written by whoever has published all he wants to.</summary>
    [RegularExpression("[A-Za-z0-9_.-]+", ErrorMessage = "must be the name of a file")]
    public string TriggerFile { get; set; } = ".reload";

    /// <summary>
    /// Which versions of a model are loaded: <c>latest</c>, <c>latest:2</c>, <c>all</c> or <c>specific:1,3</c>; for one model
    /// otherwise than for the rest: <c>latest;video=specific:7</c>. Versions that a label points at are loaded in any case.
    /// </summary>
    [CustomValidation(typeof(VersionPolicies), nameof(VersionPolicies.Check))]
    public string VersionPolicy { get; set; } = "latest";

    /// <summary>
    /// Whether old versions are unloaded before new ones are loaded: needs the memory of one version less, and the model does
    /// not answer meanwhile. If no new version can be loaded, the old ones are loaded again.
    /// </summary>
    public bool PreserveResources { get; set; }

    /// <summary>Memory in bytes that all versions together may take; a version that would not fit is refused. 0: no limit.</summary>
    [Range(typeof(long), "0", "9223372036854775807", ErrorMessage = "must be a number of bytes, 0 or more")]
    public long MemoryLimit { get; set; }

    /// <summary>Share of the requests without version and label, in percent, that the version labelled <c>canary</c> answers, unless it is set for the model.</summary>
    [Range(0.0, 100.0, ErrorMessage = "must be a number from {1} to {2}")]
    public double CanaryPercent { get; set; }
}
