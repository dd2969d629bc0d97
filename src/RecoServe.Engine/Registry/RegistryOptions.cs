using System.ComponentModel.DataAnnotations;

namespace RecoServe.Engine.Registry;

/// <summary>Where models come from.</summary>
public sealed class RegistryOptions
{
    /// <summary>The model repository: <c>&lt;name&gt;/&lt;version&gt;/manifest.json</c> below this directory.</summary>
    [Required(ErrorMessage = "must name a directory")]
    public string Repository { get; set; } = "models";

    /// <summary>The model that answers requests which name none; empty: the only one of the repository at start-up.</summary>
    public string DefaultModel { get; set; } = "";
}
