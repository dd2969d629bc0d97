using System.ComponentModel.DataAnnotations;
using RecoServe.Engine.Stores;

namespace RecoServe.Engine.Tests.Stores;

public sealed class BucketAddressTests
{
    [Theory]
    [InlineData("s3://models", "models", "")]
    [InlineData("s3://models/", "models", "")]
    [InlineData("s3://my.models-1/team/a_b/", "my.models-1", "team/a_b/")]
    public void Parse_Address_HasBucketAndPrefix(string text, string bucket, string prefix)
    {
        Assert.Equal(new BucketAddress(bucket, prefix), BucketAddress.Parse(text));
        Assert.Equal(text.TrimEnd('/'), BucketAddress.Parse(text).ToString());
    }

    [Theory]
    [InlineData("s3://")]
    [InlineData("s3:/models/a")]
    [InlineData("s3://x")]
    [InlineData("s3://Models/a")]
    [InlineData("s3://models//a")]
    [InlineData("s3://models/../a")]
    [InlineData("s3://models/a/..")]
    [InlineData("s3://models/a?b")]
    [InlineData("S3://models")]
    public void Check_NoAddress_IsRefused(string text)
    {
        Assert.NotEqual(ValidationResult.Success, BucketAddress.Check(text));
        Assert.Throws<ArgumentException>(() => BucketAddress.Parse(text));
    }

    [Theory]
    [InlineData("models")]
    [InlineData("/srv/models")]
    [InlineData("../s3:/models")]
    public void Check_Directory_IsRight(string text) => Assert.Equal(ValidationResult.Success, BucketAddress.Check(text));
}
