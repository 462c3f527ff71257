"""What a silence means. A socket can answer pings for hours and deliver nothing; a quiet symbol looks the same.

A time-out alone is wrong both ways (alpaca-py#740 and #744: too long misses the open, too short drops healthy lines).
So a silence is only a reason to ask: if history holds events that the line should have brought, the line is mute.
Where history cannot say (a free plan, a feed without history), opening hours decide.
"""

from typing import Literal, TypeAlias

Proof: TypeAlias = Literal["not_asked", "missed", "nothing_missed", "unknown"]
Judgement: TypeAlias = Literal["wait", "ask", "mute"]

# A quiet stream is asked about less and less often, but at least this often (in deadlines).
_LESS_OFTEN_MAX = 20


def judge_silence(
    *,
    silent_s: float,
    deadline_s: float,
    asked: int,
    proof: Proof,
    as_read: bool,
    expected: bool | None,
) -> Judgement:
    """Judge a line that has been silent for ``silent_s``.

    ``asked``: how often history was asked in this silence, ``proof``: what it last said. ``as_read``: the market moves
    as fast as it is read, so that any silence is a fault. ``expected``: whether events are due at all now (the session
    is open), ``None`` where nobody knows.
    """
    if proof == "missed":
        return "mute"
    if silent_s < deadline_s:
        return "wait"
    if as_read:
        return "mute"
    if proof == "unknown" and expected and silent_s >= 2 * deadline_s:
        return "mute"
    return "ask" if silent_s >= deadline_s * min(2**asked, _LESS_OFTEN_MAX) else "wait"
