using System.Collections.Immutable;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>
/// The traffic of every model. Readers see immutable records; writers take <see cref="Gate"/>, under which no version with a label
/// may begin to drain.
/// </summary>
/// <param name="root">The repository.</param>
internal sealed class TrafficTable(string root)
{
    private volatile ImmutableDictionary<string, ModelTraffic> _models = ImmutableDictionary.Create<string, ModelTraffic>(StringComparer.Ordinal);

    internal Lock Gate { get; } = new();

    internal ModelTraffic Of(string name) => _models.GetValueOrDefault(name, ModelTraffic.None);

    /// <summary>Reads what the repository says of a model.</summary>
    /// <exception cref="PackageException">Its file is not valid.</exception>
    internal void Read(string name)
    {
        lock (Gate)
            _models = _models.SetItem(name, TrafficFile.Read(PathOf(name)));
    }

    /// <summary>Changes the traffic of a model: on disk first, then for requests.</summary>
    /// <param name="name">The model.</param>
    /// <param name="change">Called under <see cref="Gate"/>; throws if it may not be.</param>
    /// <param name="unwritten">Told that the file cannot be written, and the change made for requests alone; null: then it is not made.</param>
    /// <exception cref="PackageException">The file cannot be written; nothing has changed.</exception>
    internal void Change(string name, Func<ModelTraffic, ModelTraffic> change, Action<PackageException>? unwritten = null)
    {
        lock (Gate)
        {
            var (traffic, next) = (Of(name), change(Of(name)));
            if (ReferenceEquals(traffic, next))
                return;
            try
            {
                TrafficFile.Write(PathOf(name), next);
            }
            catch (PackageException e) when (unwritten is not null)
            {
                unwritten(e);
            }

            _models = _models.SetItem(name, next);
        }
    }

    private string PathOf(string name) => Path.Combine(root, name, TrafficFile.Name);
}
