using System.Text.Json.Serialization;

namespace RecoServe.Trainer.Models;

/// <summary>How a network reads a history.</summary>
internal enum NetworkKind
{
    /// <summary>Gated recurrent units: see <see cref="GruEncoder"/>.</summary>
    [JsonStringEnumMemberName("gru")]
    Gru,

    /// <summary>Causal Transformer blocks as in SASRec: see <see cref="SasrecBlock"/>.</summary>
    [JsonStringEnumMemberName("sasrec")]
    Sasrec,

    /// <summary>Causal Transformer blocks with gated residuals: see <see cref="LigrBlock"/>.</summary>
    [JsonStringEnumMemberName("ligr")]
    Ligr,
}
