namespace RecoServe.Trainer.Tests.Simulation;

/// <summary>The tests that read the one <see cref="WrittenLog"/>.</summary>
[CollectionDefinition(Name)]
public sealed class WrittenLogCollection : ICollectionFixture<WrittenLog>
{
    public const string Name = "written log";
}
