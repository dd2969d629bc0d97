using Microsoft.Extensions.Logging;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>Which versions of the models answer which requests: labels, the canary's share, the shadow, and taking them back.</summary>
public sealed class TrafficRouter
{
    private readonly double _canaryPercent;
    private readonly IModelRepository _repository;
    private readonly VersionTable _table;
    private readonly TrafficTable _traffic;
    private readonly VersionLifecycle _lifecycle;
    private readonly ILogger _log;
    private readonly StickyShare _share = new();

    /// <param name="canaryPercent">The share that a canary answers unless it is set for the model.</param>
    /// <param name="repository">To tell what is not loaded from what is not there.</param>
    /// <param name="table">The versions.</param>
    /// <param name="traffic">What is changed.</param>
    /// <param name="lifecycle">Loads what a rollback needs.</param>
    /// <param name="log">Told of every change.</param>
    internal TrafficRouter(double canaryPercent, IModelRepository repository, VersionTable table, TrafficTable traffic, VersionLifecycle lifecycle, ILogger log) =>
        (_canaryPercent, _repository, _table, _traffic, _lifecycle, _log) = (canaryPercent, repository, table, traffic, lifecycle, log);

    /// <summary>How it is for a model now.</summary>
    public ModelTraffic Of(string name) => _traffic.Of(name);

    /// <summary>The share of requests, in percent, that a model's canary answers.</summary>
    public double CanaryPercentOf(string name) => _traffic.Of(name).CanaryPercent ?? _canaryPercent;

    /// <summary>Points a label at a version that serves, or takes it away.</summary>
    /// <param name="name">The model.</param>
    /// <param name="label">As <see cref="ModelName.Rule"/>.</param>
    /// <param name="version">Null takes it away.</param>
    /// <exception cref="ModelNotFoundException">There is no such model or version.</exception>
    /// <exception cref="ModelStateException">
    /// The version does not serve; or would be a canary that answers every request; or the canary would refuse some which the answering version
    /// takes: then take its label away first.
    /// </exception>
    /// <exception cref="PackageException">The repository cannot be written.</exception>
    public void SetLabel(string name, string label, long? version)
    {
        _table.Require(name);
        var before = _traffic.Of(name).HolderOf(label);
        _traffic.Change(name, traffic =>
        {
            var next = version is { } number ? Point(name, traffic, label, number) : traffic.Remove(label);
            if (label is Labels.Canary or Labels.Stable && next.HolderOf(Labels.Canary) is { } canary && _table.Serving(name, canary) is not null)
                RequireNothingMissing(name, next, canary, canary: true);
            return next;
        });
        EngineLog.LabelSet(_log, name, label, version ?? 0, before ?? 0);
    }

    /// <summary>Sets which share the canary answers, and which version gets copies of which share of the requests.</summary>
    /// <param name="name">The model.</param>
    /// <param name="change">Makes the new settings of the present ones.</param>
    /// <exception cref="ModelNotFoundException">There is no such model, or no such version to be the shadow.</exception>
    /// <exception cref="ModelStateException">The shadow does not serve, answers the requests itself, has no slates to compare, or lacks an attribute of the answering version.</exception>
    /// <exception cref="PackageException">The repository cannot be written.</exception>
    public void Set(string name, Func<ModelTraffic, ModelTraffic> change)
    {
        _table.Require(name);
        _traffic.Change(name, traffic =>
        {
            var next = change(traffic);
            if (next.ShadowVersion is { } shadow && shadow != traffic.ShadowVersion)
                RequireShadow(name, traffic, shadow);
            return next == traffic ? traffic : next;
        });
    }

    /// <summary>
    /// Takes a label back from the version that holds it: the one that held it before gets it, and is loaded if need be; without
    /// one, and always for the canary, the label is taken away. The version that had it gets no more requests but those that name it, or another label
    /// that it has.
    /// </summary>
    /// <param name="name">The model.</param>
    /// <param name="label">The label.</param>
    /// <param name="reason">Why.</param>
    /// <param name="cancellationToken">Ends the wait for others.</param>
    /// <exception cref="ModelNotFoundException">There is no such model or label, or the previous version is not in the repository.</exception>
    /// <exception cref="ModelStateException">Nothing else would answer, or the previous version was rolled back itself: a call that is repeated undoes nothing.</exception>
    /// <exception cref="PackageException">The previous version cannot be loaded, or the repository cannot be written.</exception>
    public async Task RollBackAsync(string name, string label, string reason, CancellationToken cancellationToken)
    {
        _table.Require(name);
        var traffic = _traffic.Of(name);
        var bad = Holder(name, traffic, label);
        long? good = label == Labels.Canary || !traffic.Previous.TryGetValue(label, out var previous) ? null : previous;
        if (good == bad)
            good = null; // it was taken away meanwhile and given back
        if (good is { } before && traffic.RolledBack.TryGetValue(before, out var why))
            throw new ModelStateException($"version {before}, which had the label \"{label}\" before version {bad}, was itself rolled back ({why}); point the label with SetLabel");
        // Till it has the label no look may unload it; from then on the label keeps it, and nothing once that has moved on.
        var loaded = good is { } version && _table.Serving(name, version) is null ? await _lifecycle.LoadAsync(name, version, byHand: true, cancellationToken) : default;
        try
        {
            TakeBack(name, label, bad, good, reason);
        }
        finally
        {
            if (loaded.Loaded)
                loaded.Version.LetGo();
        }
    }

    /// <summary>
    /// Takes the label of a canary away, also where that cannot be written: then it holds until the server ends. False if that is not
    /// the canary any more.
    /// </summary>
    /// <inheritdoc cref="RollBackAsync"/>
    internal bool RollBackCanary(string name, long version, string reason) => TakeBack(
        name, Labels.Canary, version, null, reason, e => EngineLog.RollBackNotWritten(_log, $"{name}/{version}", e.InnerException?.Message ?? e.Message));

    /// <summary>The version that a request asks for, null for the newest, and the label by which it was chosen.</summary>
    /// <exception cref="ModelNotFoundException">There is no such label.</exception>
    internal (long? Version, string Label) Choose(string name, in ModelSelector selector, ModelTraffic traffic, string key)
    {
        if (selector.Version is { } number)
            return (number, "");
        if (selector.Label is { } label)
            return (Holder(name, traffic, label), label);
        if (traffic.HolderOf(Labels.Canary) is { } canary && _share.Includes(CanaryPercentOf(name), name, key))
            return (canary, Labels.Canary);
        return traffic.HolderOf(Labels.Stable) is { } stable ? (stable, Labels.Stable) : (null, "");
    }

    private static long Holder(string name, ModelTraffic traffic, string label) => traffic.HolderOf(label)
        ?? throw new ModelNotFoundException($"model \"{name}\" has no label \"{label}\"; it has: {(traffic.Labels.IsEmpty ? "none" : string.Join(", ", traffic.Labels.Keys))}");

    private ModelTraffic Point(string name, ModelTraffic traffic, string label, long version)
    {
        RequireServing(name, version);
        if (label == Labels.Canary && !AnotherAnswers(name, traffic, version))
            throw new ModelStateException($"no other version of model \"{name}\" serves: as canary version {version} would answer every request; load another first");
        return traffic.Point(label, version);
    }

    /// <returns>Whether the version still had the label.</returns>
    private bool TakeBack(string name, string label, long bad, long? good, string reason, Action<PackageException>? unwritten = null)
    {
        string? other = null;
        var had = false;
        _traffic.Change(name, traffic =>
        {
            had = traffic.HolderOf(label) == bad;
            if (!had)
                return traffic; // somebody was faster
            if (good is { } version)
                RequireServing(name, version);
            else if (!AnotherAnswers(name, traffic, bad))
                throw new ModelStateException($"no other version of model \"{name}\" serves than {bad}, which would be rolled back");
            var next = good is { } previous ? traffic.Point(label, previous) : traffic.Remove(label);
            other = next.LabelOf(bad);
            // With nothing in its place, the stable version answers on.
            return good is null && next.HolderOf(Labels.Stable) == bad ? next : next with { RolledBack = next.RolledBack.SetItem(bad, reason) };
        }, unwritten);
        if (had)
            EngineLog.RolledBack(_log, $"{name}/{bad}", reason, good is { } to ? $"version {to} has again" : "no version has", label);
        if (had && other is not null)
            EngineLog.LabelKept(_log, $"{name}/{bad}", other);
        return had;
    }

    private void RequireShadow(string name, ModelTraffic traffic, long shadow)
    {
        RequireServing(name, shadow);
        if (_table.Serving(name, shadow)!.Package is null)
            throw new ModelStateException($"version {shadow} of model \"{name}\" is a plain graph: a shadow is compared by its slates, and it has none");
        using var answering = VersionChoice.TryAcquire(_table.Of(name), traffic, traffic.HolderOf(Labels.Stable), "");
        if (answering?.Version.Version == shadow)
            throw new ModelStateException($"version {shadow} of model \"{name}\" answers the requests itself: a shadow is another version");
        RequireNothingMissing(name, traffic, shadow, canary: false);
    }

    /// <summary>
    /// A version that gets requests which another answers must know what they may name, or it would refuse some for good. Of a shadow's
    /// copies the context that it does not read is left out.
    /// </summary>
    private void RequireNothingMissing(string name, ModelTraffic traffic, long version, bool canary)
    {
        using var answering = VersionChoice.TryAcquire(_table.Of(name), traffic, traffic.HolderOf(Labels.Stable), "");
        if (answering?.Version is not { Package: { } wanted } other)
            return;
        if (_table.Serving(name, version)?.Package is not { } package)
            throw new ModelStateException($"version {version} of model \"{name}\" is a plain graph, which recommends nothing: version {other.Version} answers requests that it would refuse");
        var fields = canary ? Missing("context field", wanted.Manifest.ContextFields.Select(f => f.Key), package.Manifest.ContextFields.Select(f => f.Key)) : [];
        string[] missing = [.. fields, .. Missing("attribute", wanted.Catalogue.Attributes.Keys, package.Catalogue.Attributes.Keys)];
        if (missing.Length > 0)
            throw new ModelStateException($"version {version} of model \"{name}\" has no {string.Join(", no ", missing)}: version {other.Version} answers requests that it would refuse");

        static IEnumerable<string> Missing(string what, IEnumerable<string> wanted, IEnumerable<string> there) => wanted.Except(there).Select(key => $"{what} \"{key}\"");
    }

    private bool AnotherAnswers(string name, ModelTraffic traffic, long version) => _table.Of(name).Any(v =>
        v.Version != version && v.State == VersionState.Serving && (!traffic.RolledBack.ContainsKey(v.Version) || traffic.HolderOf(Labels.Stable) == v.Version));

    private void RequireServing(string name, long version)
    {
        if (_table.Serving(name, version) is not null)
            return;
        if (_table.Latest(name, version) is { } other)
            throw new ModelStateException($"version {version} of model \"{name}\" is {other.State}: only a version that serves can be pointed at");
        _repository.Require(name, version);
        throw new ModelStateException($"version {version} of model \"{name}\" is not loaded: only a version that serves can be pointed at");
    }
}
