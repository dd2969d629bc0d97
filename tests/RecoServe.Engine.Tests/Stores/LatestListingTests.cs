using System.Collections.Immutable;
using RecoServe.Engine.Stores;

namespace RecoServe.Engine.Tests.Stores;

public sealed class LatestListingTests
{
    private readonly LatestListing _listing = new();

    [Fact]
    public void Take_WholeLookThatBeganBeforeASingleOne_KeepsWhatThatFound()
    {
        var (whole, single) = (_listing.Begin(), _listing.Begin());
        _listing.Take(single, "toy", 2, Version(2));
        _listing.Take(whole, new BucketListing([Version(1)]));
        Assert.Equal([1, 2], Found());
        _listing.Take(_listing.Begin(), new BucketListing([Version(1)])); // it is gone
        Assert.Equal([1], Found());
    }

    [Fact]
    public void Take_WholeLookThatBeganBeforeAnother_IsForgotten()
    {
        var (earlier, later) = (_listing.Begin(), _listing.Begin());
        _listing.Take(later, new BucketListing([Version(1), Version(2)]));
        _listing.Take(earlier, new BucketListing([Version(1)]));
        Assert.Equal([1, 2], Found());
    }

    [Fact]
    public void Take_SingleLookThatBeganBeforeAnother_IsForgotten()
    {
        var (first, second, whole) = (_listing.Begin(), _listing.Begin(), _listing.Begin());
        _listing.Take(second, "toy", 1, Version(1));
        _listing.Take(first, "toy", 1, null);
        Assert.Equal([1], Found());
        _listing.Take(whole, new BucketListing([]));
        _listing.Take(second, "toy", 1, Version(1));
        Assert.Empty(Found());
    }

    private static BucketVersion Version(long version) => new("toy", version, ImmutableSortedDictionary<string, BucketObject>.Empty);

    private long[] Found() => [.. _listing.Current!.Versions.Select(v => v.Version)];
}
