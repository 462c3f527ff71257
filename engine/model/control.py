"""What happened on our side of the line: facts a strategy may want to act on, published in order with the market.

A reconnect is not an exception, it is an event. ``at_ns`` is market time, nanoseconds since the epoch.
"""

from typing import Literal, TypeAlias

from attrs import field, frozen

from engine.model.stream import Stream

GapCause: TypeAlias = Literal[
    "history_refused",  # the plan does not allow this span (free plan: the last 15 minutes of SIP)
    "history_unavailable",  # the requests failed and their retries are spent
    "history_lags",  # history never showed the first live event within the time allowed
    "unheard_symbols",  # symbols of a wildcard that first traded while the line was down
    "restarted",  # this strategy failed and was started again
    "no_history",  # the venue keeps no history of this kind
    "hold_full",  # more live events arrived during the backfill than are held
    "dropped",  # this subscription was too slow and its channel drops
    "not_recorded",  # in a recording: told to strategies perhaps, but not written down
]


@frozen
class Connected:
    """A feed's line is open, logged in and its subscriptions are acknowledged."""

    feed: str
    at_ns: int


@frozen
class Lost:
    """A feed's line ended; a restart is under way after ``retry_in_s`` seconds."""

    feed: str
    at_ns: int
    reason: str
    retry_in_s: float = 0.0


@frozen
class Gap:
    """Events of one stream that are known, or must be feared, to be missing.

    Bounds are inclusive market time: ``start_ns`` is the last event told before the hole, ``end_ns`` the first told
    after it (several events may share an instant, so some at the bounds may be missing too). ``recovered`` counts
    what history gave of the original hole. ``count`` is how many are missing where that is known, else ``None``.
    """

    feed: str
    stream: Stream
    start_ns: int
    end_ns: int
    cause: GapCause
    at_ns: int
    recovered: int = 0
    count: int | None = None


@frozen
class Resumed:
    """Every stream of a feed is live again after a loss; ``gaps`` of them have a hole that history did not fill."""

    feed: str
    at_ns: int
    backfilled: int
    gaps: int
    outage_s: float = field(default=0.0)


@frozen
class Stale:
    """A feed that should be delivering has been silent for ``silent_s`` seconds of market time."""

    feed: str
    at_ns: int
    silent_s: float


@frozen
class Halted:
    """A strategy was ended by the engine or by its own exception."""

    strategy: str
    at_ns: int
    reason: str


@frozen
class Alarm:
    """Something a person should know now, such as 407 slow client or a refused symbol."""

    feed: str
    at_ns: int
    message: str


ControlEvent: TypeAlias = Connected | Lost | Gap | Resumed | Stale | Halted | Alarm
