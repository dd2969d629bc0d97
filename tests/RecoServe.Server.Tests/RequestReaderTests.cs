using RecoServe.Contracts.V1;
using RecoServe.Engine;
using RecoServe.Server.Services;

namespace RecoServe.Server.Tests;

/// <summary>Messages of fields are tested over the wire; this is what they must not cost those whose fields are right.</summary>
public sealed class RequestReaderTests
{
    [Fact]
    public void Read_RequestIsRight_NoMessageIsWritten()
    {
        var request = new RecommendRequest { Filter = new Filter() };
        for (var i = 0; i < 1000; i++)
        {
            request.History.Add(new Watch { ItemId = "i", WatchFraction = 0.5 });
            request.Filter.ExcludeItemIds.Add("e");
        }

        RequestReader.Read(request, DateTime.MaxValue);
        var before = GC.GetAllocatedBytesForCurrentThread();
        RequestReader.Read(request, DateTime.MaxValue);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 8_000, 12_000); // the ids of the history, and no text
    }

    [Theory]
    [InlineData(Priority.Unspecified, RequestPriority.Normal)]
    [InlineData(Priority.Normal, RequestPriority.Normal)]
    [InlineData(Priority.High, RequestPriority.High)]
    [InlineData(Priority.Low, RequestPriority.Low)]
    public void Read_Priority_IsTheQueues(Priority asked, RequestPriority expected)
    {
        Assert.Equal(expected, RequestReader.Read(new RecommendRequest { Priority = asked }, DateTime.MaxValue).Priority);
        Assert.Equal(expected, RequestReader.Read(new Contracts.V1.ScoreRequest { Priority = asked, CandidateIds = { "a" } }, DateTime.MaxValue).Priority);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Read_OneIdIsEmpty_IsNamedByItsPlace(int place)
    {
        var request = new RecommendRequest { History = { new Watch { ItemId = "a" }, new Watch { ItemId = "b" }, new Watch { ItemId = "c" } } };
        request.History[place].ItemId = "";
        var e = Assert.Throws<InvalidRequestException>(() => RequestReader.Read(request, DateTime.MaxValue));
        Assert.Equal(($"history[{place}].item_id", "must not be empty"), (e.Field, e.Problem));
    }
}
