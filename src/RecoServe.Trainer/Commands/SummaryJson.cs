using System.Text;
using System.Text.Json;

namespace RecoServe.Trainer.Commands;

/// <summary>Writes what a command prints as JSON.</summary>
internal static class SummaryJson
{
    /// <summary>Writes one indented object and a line break.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="write">Writes what is in the object.</param>
    public static void Write(TextWriter output, Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
    }
}
