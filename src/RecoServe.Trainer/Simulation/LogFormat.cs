namespace RecoServe.Trainer.Simulation;

/// <summary>The format of the log's tables; the lower-case names are the file extensions.</summary>
internal enum LogFormat
{
    Parquet,
    Csv,
}
