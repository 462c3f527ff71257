"""What crosses between the market and a strategy, record by record: the journal.

A strategy is a function of what it was told. So a session is written down where it meets its strategies: the market's
events in the order in which they were numbered, and for each strategy everything it asked and everything that came
back to it, each with its place behind an event (``seq``) and its market time. From that a run can be taken again
without a venue: what a strategy was told then it is told again, and what it asks is held against what it asked then.

``seq`` is the number of the last market event before the record, ``at_ns`` market time in nanoseconds since the epoch,
``strategy`` its name in the session. Values that are not plain are JSON text.

A strategy may be many tasks, and which of those that are ready at one instant runs first is nobody's decision. So what
crosses names the task: ``task`` is its path (``"1"`` is the first run itself, ``"1.2"`` the second task that it
started), empty where tasks were not told apart. ``clock_s`` is Trio's clock at that moment, in seconds from wherever it
began: what a strategy's own sleeps and deadlines are measured by. ``turn`` counts the rounds of Trio's scheduler: what
has the same turn became ready at once, and what a strategy's tasks told each other meanwhile came in the next; 0 where
turns were not counted.
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
    clock_s: float = 0.0
    turn: int = 0


class Asked(Struct, frozen=True, gc=False, array_like=True, tag="asked"):
    """The strategy called its context. ``number`` counts its calls from 1; ``words`` are its arguments, as JSON with
    sorted keys, numbers of orders written exactly and as text."""

    seq: int
    at_ns: int
    strategy: str
    number: int
    verb: str
    words: str = "{}"
    task: str = ""


class Answered(Struct, frozen=True, gc=False, array_like=True, tag="answered"):
    """Call ``number`` came back: with ``value`` (JSON), or by raising ``error`` (the name of its class).

    Where it was cancelled ``error`` is ``Cancelled``; where an error was raised ``value`` holds what else it told.
    """

    seq: int
    at_ns: int
    strategy: str
    number: int
    value: str = "null"
    error: str = ""
    sentence: str = ""
    task: str = ""
    clock_s: float = 0.0
    turn: int = 0


class Took(Struct, frozen=True, gc=False, array_like=True, tag="took"):
    """The strategy took items from subscription ``number`` (the call that opened it), as many as ``count``.

    ``values`` tells what they were where the market events of the journal do not say it. It is empty where they are
    the next ones of its streams, each taken alone. Else it is JSON in order: ``{"next":5}`` for so many of those,
    ``{"seq":7}`` of a subscription that lets old events go, ``{"batch":[...]}`` for what was taken in one piece,
    ``{"of":3,...}`` for what a merge took from subscription 3, ``{"end":...}`` for the end with its error, and anything
    else (a gap, a tick, a fill, a warm-up bar) as `engine.flow.journal.values` writes it.
    """

    seq: int
    at_ns: int
    strategy: str
    number: int
    count: int
    values: tuple[str, ...] = ()
    task: str = ""
    clock_s: float = 0.0
    turn: int = 0


class Read(Struct, frozen=True, gc=False, array_like=True, tag="read"):
    """The strategy looked at something that changes: ``now``, ``position:SPY``, ``order:ID`` and so on."""

    seq: int
    at_ns: int
    strategy: str
    what: str
    value: str
    task: str = ""


class Woke(Struct, frozen=True, gc=False, array_like=True, tag="woke"):
    """A wait of the strategy's own was over: a deadline or a sleep, or, if not ``by_time``, one task cancelled another.

    It says so of each task that this woke. Deadlines up to ``clock_s`` have passed.
    """

    seq: int
    at_ns: int
    strategy: str
    task: str = ""
    clock_s: float = 0.0
    by_time: bool = True
    turn: int = 0


class Cut(Struct, frozen=True, gc=False, array_like=True, tag="cut"):
    """The session cancelled the strategy; its tasks were told so in round ``turn``, which may be the next one."""

    seq: int
    at_ns: int
    strategy: str
    clock_s: float = 0.0
    turn: int = 0


class Went(Struct, frozen=True, gc=False, array_like=True, tag="went"):
    """Several tasks were ready in one round of the scheduler: ``tasks`` went on next in it, in this order."""

    seq: int
    at_ns: int
    strategy: str
    tasks: tuple[str, ...]
    turn: int


HIDDEN: Final = "*******"
"""What stands in `Said.text` and `Ended.error` where a secret was said."""


def writable(text: str) -> str:
    """The text as UTF-8 can hold it: half a character, such as from the name of a file, is written as its escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


class Said(Struct, frozen=True, gc=False, array_like=True, tag="said"):
    """``ctx.log``."""

    seq: int
    at_ns: int
    strategy: str
    text: str
    task: str = ""


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


JournalRecord: TypeAlias = Began | Asked | Answered | Took | Read | Woke | Cut | Went | Said | Noted | Kept | Ended
