using System.Diagnostics;

namespace RecoServe.Server.Tests.OpenInference;

/// <summary>Debian's Python with grpcio and onnx, installed if need be and if we may.</summary>
internal static class Python
{
    private const string Interpreter = "/usr/bin/python3";
    private static readonly string[] Packages = ["python3-grpcio", "python3-onnx"];

    /// <summary>Whether it has the packages, or has them now.</summary>
    internal static async Task<bool> InstallAsync(CancellationToken cancellationToken)
    {
        if (await HasPackagesAsync(cancellationToken))
            return true;
        if (!Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/apt-get"))
            return false;
        await RunAsync("/usr/bin/apt-get", ["update"], cancellationToken);
        await RunAsync("/usr/bin/apt-get", ["install", "-y", "--no-install-recommends", .. Packages], cancellationToken);
        return await HasPackagesAsync(cancellationToken);
    }

    /// <summary>Runs one of the scripts beside the tests, and gives what it prints.</summary>
    internal static async Task<string> RunAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var (exitCode, output, error) = await RunAsync(Interpreter, arguments, cancellationToken);
        Assert.True(exitCode == 0, $"{output}{error}");
        return output;
    }

    private static async Task<bool> HasPackagesAsync(CancellationToken cancellationToken) =>
        File.Exists(Interpreter) && (await RunAsync(Interpreter, ["-c", "import grpc, onnx"], cancellationToken)).ExitCode == 0;

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Path.Combine(AppContext.BaseDirectory, "OpenInference"),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return (process.ExitCode, await output, await error);
    }
}
