namespace RecoServe.Engine.Inference;

/// <summary>What the encoder reads for one row.</summary>
/// <param name="History">Item indexes 1…N, oldest first, at most the model's MaxHistory; may be empty.</param>
/// <param name="Context">One code a context field of the model, 0 = unknown.</param>
public readonly record struct EncoderInput(ReadOnlyMemory<int> History, ReadOnlyMemory<int> Context);
