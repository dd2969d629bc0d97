namespace RecoServe.Engine.Registry;

/// <summary>When the registry looks into its repository. In every mode the versions that the policy asks for are loaded at start-up.</summary>
public enum RepositoryMode
{
    /// <summary>When it is told to: LoadVersion, UnloadVersion, ReloadRepository.</summary>
    Explicit,

    /// <summary>Every <see cref="RegistryOptions.PollInterval"/>.</summary>
    Poll,

    /// <summary>When the file <see cref="RegistryOptions.TriggerFile"/> in the repository changes.</summary>
    Event,
}
