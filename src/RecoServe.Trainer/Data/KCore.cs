namespace RecoServe.Trainer.Data;

/// <summary>
/// The k-core of a log: what remains when items and users with too few events are left out in turns until nobody has too few.
/// One pass is not enough: leaving out a user's event can bring an item below its minimum.
/// </summary>
internal static class KCore
{
    /// <summary>Deletes from the table <c>events</c>; see <see cref="WatchLogReader"/>. A minimum of 1 keeps all.</summary>
    public static void Reduce(Workspace workspace, int minItemCount, int minUserCount)
    {
        long before;
        var now = CountEvents(workspace);
        do
        {
            before = now;
            Delete(workspace, "item_id", minItemCount);
            Delete(workspace, "user_id", minUserCount);
            now = CountEvents(workspace);
        }
        while (now < before);
    }

    private static void Delete(Workspace workspace, string column, int min)
    {
        if (min > 1)
            workspace.Execute($"DELETE FROM events WHERE {column} IN (SELECT {column} FROM events GROUP BY {column} HAVING count(*) < {min})");
    }

    private static long CountEvents(Workspace workspace) => workspace.Query("SELECT count(*) FROM events", r => r.GetInt64(0)).Single();
}
