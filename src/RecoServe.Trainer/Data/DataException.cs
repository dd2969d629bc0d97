namespace RecoServe.Trainer.Data;

/// <summary>Input data that cannot be used. The message names the file, the line and the column, and what would be right.</summary>
/// <param name="message">The whole message, one line, as the user reads it.</param>
/// <param name="inner">The cause, if another exception told.</param>
internal sealed class DataException(string message, Exception? inner = null) : Exception(message, inner);
