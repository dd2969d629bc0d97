using System.ComponentModel.DataAnnotations;
using RecoServe.Engine.Registry;

namespace RecoServe.Engine.Tests.Registry;

public sealed class VersionPolicyTests
{
    private static readonly long[] Complete = [9, 7, 4, 1];

    [Theory]
    [InlineData("latest:1")]
    [InlineData("latest:2")]
    [InlineData("all")]
    [InlineData("specific:1,3")]
    public void ToString_IsWhatIsRead(string text) => Assert.Equal(text, VersionPolicy.TryParse(text)!.ToString());

    [Theory]
    [InlineData("latest", "9")]
    [InlineData("latest:3", "9,7,4")]
    [InlineData("latest:99", "9,7,4,1")]
    [InlineData("all", "9,7,4,1")]
    [InlineData("specific:4", "4")]
    [InlineData("specific: 1, 7, 5", "7,1")]
    [InlineData("all;toy=latest:2", "9,7")]
    [InlineData("toy=specific:1;latest", "1")]
    [InlineData("other=all", "9")]
    public void Select_OfFourVersions_TakesThoseAskedFor(string policy, string expected) =>
        Assert.Equal(expected, string.Join(',', VersionPolicies.Parse(policy).Of("toy").Select(Complete)));

    [Theory]
    [InlineData("")]
    [InlineData("newest")]
    [InlineData("latest:0")]
    [InlineData("latest:-1")]
    [InlineData("latest:x")]
    [InlineData("all:1")]
    [InlineData("specific")]
    [InlineData("specific:")]
    [InlineData("specific:1,,2")]
    [InlineData("specific:1.5")]
    [InlineData("../toy=all")]
    [InlineData("all;")]
    public void Check_NotAPolicy_SaysWhatIs(string policy) =>
        Assert.Contains("specific:1,3", VersionPolicies.Check(policy)?.ErrorMessage, StringComparison.Ordinal);

    [Fact]
    public void Check_APolicy_IsRight() => Assert.Equal(ValidationResult.Success, VersionPolicies.Check("latest:2;toy=all"));
}
