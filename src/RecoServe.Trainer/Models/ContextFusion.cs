using System.Text.Json.Serialization;

namespace RecoServe.Trainer.Models;

/// <summary>What the request's context does to a state h. Each form leaves h as it is, bit for bit, where a value is unknown.</summary>
internal enum ContextFusion
{
    /// <summary>h ⊙ (1 + Σ w(c)): "Latent Cross" (Beutel et al. 2018), after the encoder.</summary>
    [JsonStringEnumMemberName("multiply")]
    Multiply,

    /// <summary>h + Σ w(c): what a linear layer makes of the concatenation [h; c] (Smirnova and Vasile 2017, output).</summary>
    [JsonStringEnumMemberName("add")]
    Add,
}
