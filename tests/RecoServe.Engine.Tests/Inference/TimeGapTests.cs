using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Tests.Inference;

public sealed class TimeGapTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(999, 1)]
    [InlineData(1_000, 2)]
    [InlineData(2_999, 2)]
    [InlineData(3_000, 3)]
    [InlineData(86_400_000L, 17)]
    [InlineData(long.MaxValue, 31)]
    [InlineData(-5_000, 1)]
    public void CodesOf_Gap_IsItsLogarithm(long gap, int code) => Assert.Equal([0, code], TimeGap.CodesOf([0, gap]));

    [Fact]
    public void CodesOf_UnknownTimes_AreUnknownGapsOnBothSides() =>
        Assert.Equal([0, 2, 0, 0, 3], TimeGap.CodesOf([0, 1_000, null, 2_000, 5_000]));

    [Fact]
    public void CodesOf_NoWatches_IsNothing() => Assert.Empty(TimeGap.CodesOf([]));

    [Fact]
    public void Input_OtherGaps_IsAnotherInput()
    {
        var input = new EncoderInput(new[] { 1, 2 }, default, new[] { 0, 3 });
        Assert.Equal(input, new EncoderInput(new[] { 1, 2 }, default, new[] { 0, 3 }));
        Assert.NotEqual(input, new EncoderInput(new[] { 1, 2 }, default, new[] { 0, 4 }));
    }
}
