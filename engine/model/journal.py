"""What crosses between the market and a strategy, record by record: the journal.

A strategy is a function of what it was told. So a session is written down where it meets its strategies: the market's
events in the order in which they were numbered, and for each strategy everything it asked and everything that came
back to it, each with its place behind an event (``seq``) and its market time. From that a run can be taken again
without a venue: what a strategy was told then it is told again, and what it asks is held against what it asked then.

``seq`` is the number of the last market event before the record, ``at_ns`` market time in nanoseconds since the epoch,
``strategy`` its name in the session. Values that are not plain are JSON text.
"""

from typing import Final, TypeAlias

from msgspec import Struct

DECISIVE: Final = frozenset({"buy", "sell", "target", "close", "cancel", "end", "replace"})
"""The verbs by which a strategy decides something about orders: ``end`` and ``replace`` are said of one order."""


class Began(Struct, frozen=True, gc=False, array_like=True, tag="began"):
    """A run of a strategy begins; ``run`` counts from 1, one more for each restart after a failure."""

    seq: int
    at_ns: int
    strategy: str
    run: int


class Asked(Struct, frozen=True, gc=False, array_like=True, tag="asked"):
    """The strategy called its context. ``number`` counts its calls from 1; ``words`` are its arguments, as JSON with
    sorted keys, numbers of orders written exactly and as text."""

    seq: int
    at_ns: int
    strategy: str
    number: int
    verb: str
    words: str = "{}"


class Answered(Struct, frozen=True, gc=False, array_like=True, tag="answered"):
    """Call ``number`` came back: with ``value`` (JSON), or by raising ``error`` (the name of its class)."""

    seq: int
    at_ns: int
    strategy: str
    number: int
    value: str = "null"
    error: str = ""
    sentence: str = ""


class Took(Struct, frozen=True, gc=False, array_like=True, tag="took"):
    """The strategy took items from subscription ``number`` (the call that opened it), as many as ``count``.

    ``values`` tells what they were where the market events of the journal do not say it: JSON of each item that is
    none (a gap, a tick, a fill, a warm-up bar), and of a subscription that lets old events go, their ``seq``.
    """

    seq: int
    at_ns: int
    strategy: str
    number: int
    count: int
    values: tuple[str, ...] = ()


class Read(Struct, frozen=True, gc=False, array_like=True, tag="read"):
    """The strategy looked at something that changes: ``now``, ``position:SPY``, ``order:ID`` and so on."""

    seq: int
    at_ns: int
    strategy: str
    what: str
    value: str


class Woke(Struct, frozen=True, gc=False, array_like=True, tag="woke"):
    """A deadline or a sleep of the strategy's own was over."""

    seq: int
    at_ns: int
    strategy: str


class Said(Struct, frozen=True, gc=False, array_like=True, tag="said"):
    """``ctx.log``."""

    seq: int
    at_ns: int
    strategy: str
    text: str


class Noted(Struct, frozen=True, gc=False, array_like=True, tag="noted"):
    """Something happened on our side of the line: a control event, as JSON with its class's name under ``type``."""

    seq: int
    at_ns: int
    strategy: str
    event: str


class Kept(Struct, frozen=True, gc=False, array_like=True, tag="kept"):
    """An entry of the order file (`engine.model.entry`), as `engine.codec.entries` renders it."""

    seq: int
    at_ns: int
    strategy: str
    entry: str


class Ended(Struct, frozen=True, gc=False, array_like=True, tag="ended"):
    """A run of a strategy ended: ``how`` is finished, failed or stopped; ``error`` its sentence."""

    seq: int
    at_ns: int
    strategy: str
    how: str
    error: str = ""


JournalRecord: TypeAlias = Began | Asked | Answered | Took | Read | Woke | Said | Noted | Kept | Ended
