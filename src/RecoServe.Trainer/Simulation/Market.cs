namespace RecoServe.Trainer.Simulation;

/// <summary>A country of the world: its share of the viewers and what they speak.</summary>
/// <param name="Country">The country's code.</param>
/// <param name="Weight">Relative number of viewers.</param>
/// <param name="FirstLanguages">Language → share of the viewers who speak it first.</param>
/// <param name="SpeaksEnglish">Share of the others who watch in English, too.</param>
internal sealed record Market(string Country, double Weight, double[] FirstLanguages, double SpeaksEnglish)
{
    /// <summary>The languages; a video has one, a viewer has one or two.</summary>
    public static readonly IReadOnlyList<string> Languages = ["en", "es", "de", "fr", "pt", "hi"];

    /// <summary>Relative number of channels in each language.</summary>
    public static readonly double[] LanguageWeights = [.42, .18, .11, .11, .09, .09];

    /// <summary>Index of English.</summary>
    public const int English = 0;

    /// <summary>All countries; the first languages are in the order of <see cref="Languages"/>.</summary>
    public static readonly IReadOnlyList<Market> All =
    [
        new("US", .28, [.85, .15, 0, 0, 0, 0], .7),
        new("GB", .14, [.96, .01, .01, .01, 0, .01], .9),
        new("DE", .13, [.04, .01, .93, .01, .01, 0], .5),
        new("FR", .12, [.03, .02, .02, .91, .02, 0], .35),
        new("ES", .09, [.03, .94, .01, .01, .01, 0], .3),
        new("MX", .08, [.03, .97, 0, 0, 0, 0], .3),
        new("BR", .09, [.02, .02, 0, 0, .96, 0], .25),
        new("IN", .07, [.35, 0, 0, 0, 0, .65], .6),
    ];
}
