using System.Text;

namespace RecoServe.Trainer.Training;

/// <summary>
/// Writes files whole: a draft beside the target goes to the disk and is renamed over it. Whoever reads, also after a kill,
/// sees the old file or the new one.
/// </summary>
internal static class WholeFile
{
    /// <summary>Writes a text.</summary>
    public static void Write(string path, string text) => Write(path, file => file.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Writes what <paramref name="write"/> writes.</summary>
    public static void Write(string path, Action<FileStream> write)
    {
        var draft = path + ".draft";
        using (var file = File.Create(draft))
        {
            write(file);
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
    }
}
