namespace RecoServe.Engine.Inference;

/// <summary>What is computed for one row: a history with its context, or a row of tensors. Equal inputs have equal results.</summary>
public interface IRowInput<TSelf> : IEquatable<TSelf>
{
    /// <summary>Cells that the row fills of a batch, 1 or more; shorter ones are filled up.</summary>
    int Length { get; }

    /// <summary>Memory that it holds.</summary>
    long Bytes { get; }

    /// <summary>Whether two rows can be computed in one run.</summary>
    bool Joins(TSelf other);
}
