using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine;

/// <summary>What every question to a model has: who asks, about whom, until when.</summary>
public abstract record ModelRequest
{
    /// <summary>Which model and version shall answer.</summary>
    public ModelSelector Model { get; init; } = new("");

    /// <summary>Who asks: the same key gets the same version where several share the requests. Empty: chosen anew each time.</summary>
    public string TrafficKey { get; init; } = "";

    /// <summary>Watched item ids, oldest first; of more than the model reads the newest are used.</summary>
    public IReadOnlyList<string> History { get; init; } = [];

    /// <summary>When each of the history was watched, milliseconds since 1970 UTC; null where it is not known. Empty if nothing is.</summary>
    public IReadOnlyList<long?> WatchedAt { get; init; } = [];

    /// <summary>The context of each watch by key, for models that read it; empty where no watch has one.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>> HistoryContext { get; init; } = [];

    /// <summary>Context values by key; the keys must be the model's.</summary>
    public IReadOnlyDictionary<string, string> Context { get; init; } = new Dictionary<string, string>();

    /// <summary>When the answer is worth nothing any more.</summary>
    public DateTimeOffset Deadline { get; init; } = DateTimeOffset.MaxValue;

    /// <summary>Its place among those that wait.</summary>
    public RequestPriority Priority { get; init; } = RequestPriority.Normal;
}

/// <summary>A request for one slate, its ranges already checked.</summary>
public sealed record SlateRequest : ModelRequest
{
    /// <summary>Items wanted, 1…500.</summary>
    public int SlateSize { get; init; } = 10;

    /// <summary>How the slate is drawn; its seed is set.</summary>
    public SamplingParameters Sampling { get; init; } = new();

    /// <summary>Items that must not be shown.</summary>
    public IReadOnlyList<string> ExcludeItemIds { get; init; } = [];

    /// <summary>Whether items of the history may be shown again.</summary>
    public bool IncludeWatched { get; init; }

    /// <summary>If not empty, only these items may be shown.</summary>
    public IReadOnlyList<string> CandidateIds { get; init; } = [];

    /// <summary>Conditions that every shown item must meet.</summary>
    public IReadOnlyList<Condition> Where { get; init; } = [];
}

/// <summary>A condition on an attribute of an item.</summary>
/// <param name="Attribute">The attribute's name.</param>
/// <param name="Values">Values, compared exactly.</param>
/// <param name="Negated">False: the item must have one of the values; true: none.</param>
public sealed record Condition(string Attribute, IReadOnlyList<string> Values, bool Negated);

/// <summary>A request for the scores of given items.</summary>
public sealed record ScoreRequest : ModelRequest
{
    /// <summary>The items, 1…10,000.</summary>
    public IReadOnlyList<string> CandidateIds { get; init; } = [];

    /// <summary>Whether log probabilities over the whole catalogue are wanted.</summary>
    public bool Normalise { get; init; }
}
