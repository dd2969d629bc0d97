using System.CommandLine;
using System.Globalization;

namespace RecoServe.Trainer.Commands;

/// <summary><c>--version</c> of the commands that write one.</summary>
internal static class VersionOption
{
    /// <summary>The option, without which the next version is meant.</summary>
    public static Option<long?> Create()
    {
        var version = new Option<long?>("--version") { Description = "The version, 1 or more; without it, the next one", HelpName = "N" };
        version.Validators.Add(result =>
        {
            // Of the token: GetValue throws where it is no number, before the parse can say so.
            if (result.Tokens is [var token] && long.TryParse(token.Value, CultureInfo.InvariantCulture, out var given) && given < 1)
                result.AddError("--version must be 1 or more");
        });
        return version;
    }
}
