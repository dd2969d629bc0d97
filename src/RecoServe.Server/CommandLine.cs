using System.Reflection;

namespace RecoServe.Server;

/// <summary>
/// The command line: a few short switches, and <c>--Section:Key VALUE</c> for everything in the configuration. Anything
/// else is refused, so that a misspelt switch is not silently ignored.
/// </summary>
internal static class CommandLine
{
    internal const string Usage = """
        recoserve: serves recommender models over gRPC

        usage: recoserve [--models DIR|s3://BUCKET/PREFIX] [--default-model NAME] [--host IP] [--port N] [--http-port N] [--Section:Key VALUE]...
               recoserve tune --models DIR --p99-ms N   finds batch size, delay and threads for a latency goal (tune --help)

          --models DIR           model repository, or s3://BUCKET/PREFIX: <name>/<version>/manifest.json (models)
          --default-model NAME   answers requests that name no model (the only one at start)
          --host IP              address to listen on (127.0.0.1)
          --port N               gRPC, HTTP/2 without TLS (5000)
          --http-port N          /metrics, /healthz, /readyz (5001)
          --version, --help

        Every option of docs/operations.md can be given as --Section:Key VALUE, for example --Batcher:QueueCapacity 4096, in
        appsettings.json, or in the environment as Section__Key.
        """;

    private static readonly Dictionary<string, string> Switches = new(StringComparer.Ordinal)
    {
        ["--models"] = "Registry:Repository",
        ["--default-model"] = "Registry:DefaultModel",
        ["--host"] = "Server:Host",
        ["--port"] = "Server:Port",
        ["--http-port"] = "Server:HttpPort",
    };

    private static readonly string[] Sections = ["Registry:", "Runner:", "Batcher:", "Degradation:", "Server:", "Logging:"];

    internal static string Version =>
        typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>Turns arguments into configuration keys and values.</summary>
    /// <exception cref="ArgumentException">Names the argument that is not known or has no value.</exception>
    internal static Dictionary<string, string?> Parse(ReadOnlySpan<string> arguments)
    {
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        while (arguments.Length > 0)
        {
            var (name, value, used) = Split(arguments);
            settings[KeyOf(name)] = value;
            arguments = arguments[used..];
        }

        return settings;
    }

    /// <summary>A key with the short switch for it, if there is one.</summary>
    internal static string NameOf(string key) =>
        Switches.FirstOrDefault(s => s.Value == key).Key is { } name ? $"{key} ({name})" : key;

    private static (string Name, string Value, int Used) Split(ReadOnlySpan<string> arguments)
    {
        var equals = arguments[0].IndexOf('=', StringComparison.Ordinal);
        if (equals > 0)
            return (arguments[0][..equals], arguments[0][(equals + 1)..], 1);
        return arguments.Length > 1
            ? (arguments[0], arguments[1], 2)
            : throw new ArgumentException(IsKnown(arguments[0]) ? $"{arguments[0]} needs a value" : $"{arguments[0]} is not a known switch");
    }

    private static bool IsKnown(string name) =>
        Switches.ContainsKey(name)
        || (name.StartsWith("--", StringComparison.Ordinal) && Array.Exists(Sections, s => name[2..].StartsWith(s, StringComparison.OrdinalIgnoreCase)));

    private static string KeyOf(string name) =>
        !IsKnown(name) ? throw new ArgumentException($"{name} is not a known switch") : Switches.GetValueOrDefault(name, name[2..]);
}
