using System.Xml.Linq;
using NetArchTest.Rules;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests;

/// <summary>The arrows of docs/architecture.md: who may know whom.</summary>
public sealed class ArchitectureTests
{
    public static TheoryData<string, string[]> Projects => new()
    {
        { "Contracts", [] },
        { "Engine", [] },
        { "LoadGenerator", ["Contracts", "Engine"] },
        { "Server", ["Contracts", "Engine", "LoadGenerator"] },
        { "Client", ["Contracts"] },
        { "Demo", ["Client"] },
        { "Trainer", ["Engine"] },
    };

    /// <summary>Inside the engine: a folder, and the folders it may use.</summary>
    public static TheoryData<string, string[]> Folders => new()
    {
        { "Packages", [] },
        { "Sampling", [] },
        { "Stores", ["Packages"] },
        { "Inference", ["Packages"] },
        { "Batching", ["Inference", "Packages"] },
        { "Registry", ["Batching", "Inference", "Packages", "Sampling", "Stores"] },
        { "Traffic", ["Batching", "Inference", "Packages", "Registry", "Sampling", "Stores"] },
    };

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_References_AreThoseOfTheDesign(string project, string[] allowed) =>
        Assert.Equal(allowed, References(project).Order(StringComparer.Ordinal));

    [Fact]
    public void Projects_All_AreListedHere() => Assert.Equal(
        Projects.Select(p => p.Data.Item1).Order(StringComparer.Ordinal),
        Directory.GetDirectories(RepositoryRoot.File("src")).Select(d => Path.GetExtension(d)[1..]).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Folders))]
    public void EngineFolder_Uses_OnlyThoseBelowIt(string folder, string[] allowed)
    {
        var forbidden = Folders.Select(f => f.Data.Item1).Where(f => f != folder && !allowed.Contains(f)).Select(f => $"RecoServe.Engine.{f}").ToArray();
        var result = Types.InAssembly(typeof(Recommender).Assembly)
            .That().ResideInNamespace($"RecoServe.Engine.{folder}").ShouldNot().HaveDependencyOnAny([.. forbidden, "RecoServe.Engine.Recommender"]).GetResult();
        Assert.True(result.IsSuccessful, string.Join(", ", result.FailingTypeNames ?? []));
    }

    [Fact]
    public void Engine_KnowsNoTransportAndNoTorch()
    {
        var names = typeof(Recommender).Assembly.GetReferencedAssemblies().Select(a => a.Name!).ToArray();
        Assert.DoesNotContain(names, n => n.StartsWith("Grpc", StringComparison.Ordinal) || n.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) || n == "TorchSharp");
    }

    /// <summary>libtorch must never reach the server: neither package nor project may lead to it.</summary>
    [Fact]
    public void Torch_IsReferencedByTheTrainerAlone()
    {
        var users = Directory.GetFiles(RepositoryRoot.File("src"), "*.csproj", SearchOption.AllDirectories)
            .Where(f => File.ReadAllText(f).Contains("torch", StringComparison.OrdinalIgnoreCase)).Select(Path.GetFileNameWithoutExtension);
        Assert.Equal(["RecoServe.Trainer"], users);
        Assert.DoesNotContain(Projects, p => References(p.Data.Item1).Contains("Trainer"));
    }

    private static IEnumerable<string> References(string project) =>
        XDocument.Load(RepositoryRoot.File("src", $"RecoServe.{project}", $"RecoServe.{project}.csproj"))
            .Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value)["RecoServe.".Length..]);
}
