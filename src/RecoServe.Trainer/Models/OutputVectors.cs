using System.Text.Json.Serialization;

namespace RecoServe.Trainer.Models;

/// <summary>The vectors by which items are scored.</summary>
internal enum OutputVectors
{
    /// <summary>Those by which a history is read.</summary>
    [JsonStringEnumMemberName("tied")]
    Tied,

    /// <summary>A second set, without item features.</summary>
    [JsonStringEnumMemberName("separate")]
    Separate,
}
