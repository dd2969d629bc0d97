using RecoServe.Engine;

namespace RecoServe.Server;

/// <summary>Counts the memory of a call's answer together with that of its request, until the answer has been written.</summary>
internal sealed class AnswerMemory(HttpContext context, RequestMemory memory)
{
    /// <summary>What a byte of a tensor takes: itself, and its copy in the message.</summary>
    private const int Growth = 2;

    private RequestMemory.Part? _part;
    private long _bytes;

    /// <summary>Takes memory for so many more bytes of tensors. For one caller at a time.</summary>
    /// <exception cref="InvalidRequestException">There never is so much.</exception>
    /// <exception cref="AnswerMemoryException">There is none at present.</exception>
    internal void Take(long bytes)
    {
        var before = _bytes;
        _bytes += Growth * bytes;
        if (_bytes > memory.Limit)
            throw new InvalidRequestException("outputs", $"would take {_bytes} bytes of memory, Server:LargeRequestMemory is {memory.Limit}: ask for fewer rows or outputs at a time");
        if (_bytes <= RequestMemory.Small)
            return;
        if (_part is null)
        {
            _part = MeasuredBody.Claim(context) ?? memory.Nothing();
            context.Response.RegisterForDispose(_part);
            before = 0; // what was small was not counted
        }

        if (!_part.TryGrowBy(_bytes - before))
            throw new AnswerMemoryException(RequestMemory.RetryAfter);
    }
}
