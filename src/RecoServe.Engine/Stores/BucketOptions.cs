using System.ComponentModel.DataAnnotations;

namespace RecoServe.Engine.Stores;

/// <summary>How a bucket is reached. Credentials are found as every program finds them that uses the SDK: environment, profile, role.</summary>
/// <param name="Option">The option that named the bucket, for messages.</param>
/// <param name="Endpoint">URL of a store other than Amazon's; empty: as the environment says, or Amazon's.</param>
/// <param name="Region">The region; empty: as the environment says.</param>
/// <param name="PathStyle">Whether the bucket stands in the path of a URL instead of its host.</param>
public sealed record BucketOptions(string Option, string Endpoint = "", string Region = "", bool PathStyle = false)
{
    /// <summary>Whether a text can be <see cref="Endpoint"/>.</summary>
    public static ValidationResult? CheckEndpoint(string endpoint) => endpoint.Length == 0 || (Uri.TryCreate(endpoint, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
        ? ValidationResult.Success
        : new ValidationResult("must be a URL such as https://store.example:9000");
}
