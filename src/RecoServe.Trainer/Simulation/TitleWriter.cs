namespace RecoServe.Trainer.Simulation;

/// <summary>Composes names of channels and series and titles of videos from word lists; each name is given once.</summary>
internal sealed class TitleWriter(Vocabulary vocabulary, RandomStream random)
{
    private const int Attempts = 40;

    private readonly HashSet<string> _taken = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>A channel's name, for example "Copper Kitchen".</summary>
    public string Channel(Category category) =>
        Unique(() => $"{random.NextOf(vocabulary.Adjectives)} {random.NextOf(category.Channels)}");

    /// <summary>A series' name, for example "Street Food of Porto".</summary>
    public string Series(Category category) => Unique(() => Fill(random.NextOf(category.Shows), category));

    /// <summary>The title of a video of its own.</summary>
    public string Single(Category category) => Unique(() => Fill(random.NextOf(category.Patterns), category));

    /// <summary>The title of an episode: the series' name, "Part n", and a subject.</summary>
    public string Episode(Category category, string series, int part) =>
        Unique(() => $"{series}, Part {part}: {Capitalised(random.NextOf(category.Subjects))}");

    private string Fill(string pattern, Category category)
    {
        var subject = random.NextInt(category.Subjects.Count);
        var other = (subject + 1 + random.NextInt(category.Subjects.Count - 1)) % category.Subjects.Count;
        var place = random.NextInt(vocabulary.Places.Count);
        var place2 = (place + 1 + random.NextInt(vocabulary.Places.Count - 1)) % vocabulary.Places.Count;
        var text = pattern
            .Replace("{detail}", random.NextOf(category.Details), StringComparison.Ordinal)
            .Replace("{subject}", category.Subjects[subject], StringComparison.Ordinal)
            .Replace("{other}", category.Subjects[other], StringComparison.Ordinal)
            .Replace("{place}", vocabulary.Places[place], StringComparison.Ordinal)
            .Replace("{place2}", vocabulary.Places[place2], StringComparison.Ordinal)
            .Replace("{host}", random.NextOf(vocabulary.Hosts), StringComparison.Ordinal);
        return Capitalised(text);
    }

    // When a category's words run out, a number tells the titles apart.
    private string Unique(Func<string> compose)
    {
        var name = compose();
        for (var attempt = 1; attempt < Attempts && _taken.Contains(name); attempt++)
            name = compose();
        var first = name;
        for (var take = 2; !_taken.Add(name); take++)
            name = $"{first}, Take {take}";
        return name;
    }

    private static string Capitalised(string text) => string.Concat(char.ToUpperInvariant(text[0]).ToString(), text.AsSpan(1));
}
