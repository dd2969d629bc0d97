using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>
/// The traffic of every model: what its file says, which other servers of the repository change too, and what holds for requests here. Readers
/// see immutable records; writers take <see cref="Gate"/>, under which no version with a label may begin to drain.
/// </summary>
/// <param name="root">The repository.</param>
/// <param name="versions">The versions that can hold a label.</param>
/// <param name="log">Told of what others have written.</param>
internal sealed class TrafficTable(string root, VersionTable versions, ILogger log)
{
    private volatile ImmutableDictionary<string, Entry> _models = ImmutableDictionary.Create<string, Entry>(StringComparer.Ordinal);

    internal Lock Gate { get; } = new();

    /// <summary>
    /// What holds for requests: what is written, but that a label which another server has pointed at a version that does not serve here stays
    /// where it was.
    /// </summary>
    internal ModelTraffic Of(string name) => EntryOf(name).Held;

    /// <summary>What is written: by it versions are loaded.</summary>
    internal ModelTraffic Written(string name) => EntryOf(name).Written;

    /// <summary>Reads what the repository says of a model.</summary>
    /// <exception cref="PackageException">Its file is not valid, or cannot be read.</exception>
    internal void Read(string name)
    {
        lock (Gate)
            Keep(name, Reread(name));
    }

    /// <summary>Versions that labels point at may have begun to serve.</summary>
    internal void Hold(string name)
    {
        lock (Gate)
            Keep(name, EntryOf(name));
    }

    /// <summary>Changes the traffic of a model: on disk first, then for requests. What other servers have written meanwhile stays.</summary>
    /// <param name="name">The model.</param>
    /// <param name="change">Called under <see cref="Gate"/> with what is written, and perhaps once more; throws if it may not be.</param>
    /// <param name="unwritten">Told that the file cannot be written, and the change made for requests alone; null: then it is not made.</param>
    /// <exception cref="PackageException">The file cannot be read or written; nothing has changed.</exception>
    internal void Change(string name, Func<ModelTraffic, ModelTraffic> change, Action<PackageException>? unwritten = null)
    {
        lock (Gate)
        {
            try
            {
                using var turn = TrafficFile.TakeTurn(PathOf(name));
                var entry = Reread(name);
                var next = change(entry.Written);
                Keep(name, ReferenceEquals(next, entry.Written) ? entry : new Entry(TrafficFile.Write(PathOf(name), next), next, entry.Held));
            }
            catch (PackageException e) when (unwritten is not null)
            {
                var entry = EntryOf(name);
                var next = change(entry.Written);
                if (ReferenceEquals(next, entry.Written))
                    return;
                unwritten(e);
                Keep(name, entry with { Written = next });
            }
        }
    }

    private Entry EntryOf(string name) => _models.GetValueOrDefault(name, Entry.Empty);

    /// <summary>What could not be written holds on until somebody writes.</summary>
    private Entry Reread(string name)
    {
        var (entry, read) = (EntryOf(name), TrafficFile.Read(PathOf(name)));
        var text = TrafficFile.TextOf(read);
        if (text == entry.Text)
            return entry;
        EngineLog.TrafficRead(log, name, string.Join(", ", read.Labels.Select(l => $"{l.Key} {l.Value}")));
        return new Entry(text, read, entry.Held);
    }

    private void Keep(string name, Entry entry)
    {
        var (written, labels) = (entry.Written, entry.Written.Labels);
        foreach (var (label, _) in written.Labels.Where(l => !Serves(l.Value)))
            labels = entry.Held.HolderOf(label) is { } before && Serves(before) && !written.RolledBack.ContainsKey(before) ? labels.SetItem(label, before) : labels.Remove(label);
        _models = _models.SetItem(name, entry with { Held = ReferenceEquals(labels, written.Labels) ? written : written with { Labels = labels } });

        bool Serves(long version) => versions.Serving(name, version) is not null;
    }

    private string PathOf(string name) => Path.Combine(root, name, TrafficFile.Name);

    /// <param name="Text">What was read or written last.</param>
    /// <param name="Written">What it says, and what could not be written.</param>
    /// <param name="Held">What holds for requests.</param>
    private sealed record Entry(string Text, ModelTraffic Written, ModelTraffic Held)
    {
        internal static readonly Entry Empty = new(TrafficFile.TextOf(ModelTraffic.None), ModelTraffic.None, ModelTraffic.None);
    }
}
