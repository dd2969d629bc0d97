using V1 = RecoServe.Contracts.V1;

namespace RecoServe.Server.Services;

/// <summary>Not built yet: every method answers UNIMPLEMENTED.</summary>
internal sealed class FeedbackService : V1.FeedbackService.FeedbackServiceBase;
