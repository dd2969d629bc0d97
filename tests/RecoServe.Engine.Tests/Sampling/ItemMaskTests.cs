using CsCheck;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

public sealed class ItemMaskTests
{
    [Fact]
    public void Mask_AnySequenceOfChanges_IsThatOfASet() =>
        Gen.Select(Gen.Int[0, 200], Gen.Select(Gen.Int[0, 7], Gen.Int[0, 200].Array[0, 30]).Array[0, 12]).Sample(
            (itemCount, changes) =>
            {
                using var mask = ItemMask.Rent(itemCount);
                using var other = ItemMask.Rent(itemCount);
                var excluded = new HashSet<int>();
                foreach (var (change, numbers) in changes)
                {
                    int[] items = [.. numbers.Where(n => n <= itemCount)];
                    var all = Enumerable.Range(0, itemCount + 1);
                    switch (change)
                    {
                        case 0: mask.Exclude(items); excluded.UnionWith(items); break;
                        case 1: mask.Allow(items); excluded.ExceptWith(items); break;
                        case 2: mask.ExcludeAllBut(items); excluded.UnionWith(all.Except(items)); break;
                        case 3: mask.ExcludeAll(); excluded.UnionWith(all); break;
                        case 4: mask.Invert(); excluded.SymmetricExceptWith(all); break;
                        case 5: other.Exclude(items); mask.Exclude(other); excluded.UnionWith(all.Where(other.IsExcluded)); break;
                        case 6: mask.Exclude(itemCount); excluded.Add(itemCount); break;
                        default: mask.Allow(0); excluded.Remove(0); break;
                    }
                }

                Assert.Equal(Enumerable.Range(1, itemCount).Count(item => !excluded.Contains(item)), mask.EligibleCount);
                var row = new float[itemCount + 1];
                ItemMask.Apply(mask.Excluded, row);
                for (var i = 0; i <= itemCount; i++)
                {
                    Assert.Equal(excluded.Contains(i), mask.IsExcluded(i));
                    Assert.Equal(excluded.Contains(i) ? float.NegativeInfinity : 0, row[i]);
                }
            },
            iter: 2000, threads: 1);

    [Fact]
    public void Rent_AfterAMaskWasFilled_ExcludesNothing()
    {
        foreach (var itemCount in new[] { 300, 63, 64, 65, 0, 1000 })
        {
            using var mask = ItemMask.Rent(itemCount);
            Assert.All(Enumerable.Range(0, itemCount + 1), i => Assert.False(mask.IsExcluded(i)));
            mask.ExcludeAll();
        }
    }

    [Fact]
    public void Dispose_Twice_GivesTheMaskToOneCallerOnly()
    {
        var mask = ItemMask.Rent(10);
        mask.Dispose();
        mask.Dispose();
        var rented = Enumerable.Range(0, 100).Select(_ => ItemMask.Rent(10)).ToArray();
        Assert.Equal(100, rented.Distinct().Count());
        foreach (var each in rented)
            each.Dispose();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(11)]
    [InlineData(100)]
    public void Exclude_ItemOutOfRange_Throws(int item)
    {
        using var mask = ItemMask.Rent(10);
        Assert.Throws<ArgumentOutOfRangeException>(() => mask.Exclude(item));
        Assert.Throws<ArgumentOutOfRangeException>(() => mask.Allow([item]));
        Assert.Throws<ArgumentOutOfRangeException>(() => mask.IsExcluded(item));
    }

    [Fact]
    public void Exclude_MaskOfAnotherCatalogue_Throws()
    {
        using var mask = ItemMask.Rent(10);
        using var other = ItemMask.Rent(11);
        Assert.Throws<ArgumentException>(() => mask.Exclude(other));
    }
}
