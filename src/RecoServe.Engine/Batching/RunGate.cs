using System.Diagnostics;

namespace RecoServe.Engine.Batching;

/// <summary>
/// Decides whose batch is computed next where several model versions share the machine: at most so many at a time, and the
/// version that has had the least time goes first (start-time fair queueing, Goyal et al. 1996). One that was idle has no
/// claim to the time it did not use.
/// </summary>
internal sealed class RunGate(int runs)
{
    private readonly Lock _lock = new();
    private readonly List<Turn> _waiting = [];
    private int _free = runs;
    private TimeSpan _virtualTime;

    /// <summary>How many wait for a turn.</summary>
    internal int Waiting
    {
        get
        {
            lock (_lock)
                return _waiting.Count;
        }
    }

    /// <summary>Waits for a turn; give it back by <see cref="Leave"/>.</summary>
    /// <param name="share">Of the version.</param>
    internal void Enter(RunShare share)
    {
        Turn turn;
        lock (_lock)
        {
            share.Start = share.Start > _virtualTime ? share.Start : _virtualTime;
            if (_free > 0)
            {
                Debug.Assert(_waiting.Count == 0, "nobody waits while a turn is free");
                _free--;
                _virtualTime = share.Start;
                return;
            }

            turn = new Turn(share);
            _waiting.Add(turn);
        }

        using (turn)
            turn.Granted.Wait();
    }

    /// <summary>Gives a turn back, and charges its time.</summary>
    internal void Leave(RunShare share, TimeSpan elapsed)
    {
        lock (_lock)
        {
            share.Start += elapsed;
            if (_waiting.Count == 0)
                _free++;
            else
                Grant();
        }
    }

    /// <summary>
    /// Charges the time of a turn, and keeps the turn for another run if nobody who waits has had less; else gives it back. So
    /// short runs follow each other while a long one waits, and not one for one.
    /// </summary>
    /// <returns>Whether the turn is kept.</returns>
    internal bool Keep(RunShare share, TimeSpan elapsed)
    {
        lock (_lock)
        {
            share.Start += elapsed;
            if (_waiting.TrueForAll(turn => turn.Share.Start >= share.Start))
            {
                _virtualTime = share.Start > _virtualTime ? share.Start : _virtualTime;
                return true;
            }

            Grant();
            return false;
        }
    }

    private void Grant()
    {
        var next = _waiting.MinBy(static turn => turn.Share.Start)!;
        _waiting.Remove(next);
        _virtualTime = next.Share.Start > _virtualTime ? next.Share.Start : _virtualTime;
        next.Granted.Set();
    }

    private sealed class Turn(RunShare share) : IDisposable
    {
        internal RunShare Share => share;

        internal ManualResetEventSlim Granted { get; } = new(initialState: false, spinCount: 0);

        public void Dispose() => Granted.Dispose();
    }
}

/// <summary>What one model version has had of the machine.</summary>
internal sealed class RunShare
{
    /// <summary>Its virtual time; the <see cref="RunGate"/>'s.</summary>
    internal TimeSpan Start { get; set; }
}
