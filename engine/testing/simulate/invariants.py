"""What must hold in every simulated session, whatever the world does: the laws, each with who holds it.

The judge (`engine.testing.simulate.judge`) looks on while a session runs. What ends the session itself (a machine that
restarts for ever, an engine that does not leave) the world sees, and after a session that was recorded each player runs
again from its journal.
"""

from typing import Final, Literal, TypeAlias

from attrs import frozen

When: TypeAlias = Literal["step", "end"]
"""``step``: looked at each time something happens; ``end``: when the session has come to rest, or has ended."""


@frozen
class Invariant:
    """One law. ``held_by`` are the modules of this folder that look at it."""

    number: int
    name: str
    sentence: str
    when: When
    held_by: tuple[str, ...]


_DELIVERY: Final = ("judge/delivery.py",)
_LINES: Final = ("judge/lines.py",)
_ASKING: Final = ("judge/asking.py",)
_BOUNDS: Final = ("judge/bounds.py",)
_ORDERS: Final = ("judge/orders.py",)
_REST: Final = ("judge/rest.py",)
_RUN: Final = ("world/run.py",)
_MACHINE: Final = ("world/machine.py",)
_RECORD: Final = ("world/record.py",)

INVARIANTS: Final = (
    Invariant(1, "once", "Each trade is told at most once to a strategy.", "step", _DELIVERY),
    Invariant(2, "order", "Each stream is told in the order of its time.", "step", _DELIVERY),
    Invariant(3, "content", "What is told is what the exchange published.", "step", _DELIVERY),
    Invariant(4, "late", "What comes late has a cause that the world knows.", "step", _DELIVERY),
    Invariant(
        5, "lossless", "Told, declared missing and dropped together are all that was published.", "end", _DELIVERY
    ),
    Invariant(6, "one_line", "Each endpoint has at most one connection of ours.", "step", _LINES),
    Invariant(7, "dials", "An endpoint is not dialled more often than the restart policy says.", "step", _LINES),
    Invariant(8, "budget", "REST is asked no more often in a minute than the venue allows.", "step", _ASKING),
    Invariant(
        9, "retry_after", "Nobody asks while the venue asked for quiet, but for what is urgent.", "step", _ASKING
    ),
    Invariant(10, "memory", "Queues and what is remembered of the past have a bound.", "step", _BOUNDS),
    Invariant(11, "tasks", "The number of tasks has a bound.", "step", _BOUNDS),
    Invariant(12, "future", "Nothing is told before it happened.", "step", _DELIVERY),
    Invariant(
        13,
        "live_again",
        "After the last fault every feed and the account are live again in time.",
        "end",
        (*_REST, *_RUN),
    ),
    Invariant(14, "survives", "Nothing that the world does ends the engine.", "end", (*_REST, *_MACHINE)),
    Invariant(15, "clean_end", "After its end no socket, no task and no file of it is left.", "end", (*_REST, *_RUN)),
    Invariant(16, "livelock", "Time goes on: no instant has steps without end.", "step", (*_BOUNDS, *_RUN)),
    Invariant(17, "dead_peer", "A line whose peer is dead is noticed in time.", "step", _LINES),
    Invariant(18, "healthy", "A line to which nothing happened is not dropped.", "step", _LINES),
    Invariant(19, "reconnects", "A new connection has a cause.", "step", _LINES),
    Invariant(
        20, "conservation", "Received and backfilled are delivered, conflated, dropped or queued.", "step", _REST
    ),
    Invariant(
        21, "intent_first", "No order reaches the exchange before its intent is synced to disk.", "step", _ORDERS
    ),
    Invariant(22, "one_id", "No client order id is accepted twice.", "step", _ORDERS),
    Invariant(23, "gates", "Nothing that adds risk is sent while not ready, halted or tripped.", "step", _ORDERS),
    Invariant(24, "books", "At rest orders, fills, positions and cash are the exchange's.", "end", _REST),
    Invariant(25, "resolved", "At rest no order's fate is unknown.", "end", (*_REST, *_ORDERS)),
    Invariant(26, "lifecycle", "Orders change their state along the table alone.", "step", _ORDERS),
    Invariant(27, "gaps", "Each declared gap is a hole that is there.", "step", _DELIVERY),
    Invariant(
        28, "alarms", "A silence is told within its time, and none that is not one.", "step", (*_LINES, *_DELIVERY)
    ),
    Invariant(29, "secrets", "No output holds a secret.", "step", ("judge/secrets.py",)),
    Invariant(30, "replay", "The session's journal replays to the same decisions.", "end", _RECORD),
    Invariant(31, "blocks", "A block that is left ends its orders, or needs all its time for it.", "step", _ORDERS),
)
"""In the order of their numbers, from 1."""


def invariant(number: int) -> Invariant:
    """One of them by its number; raises ``IndexError`` for a number that none has."""
    if not 1 <= number <= len(INVARIANTS):
        raise IndexError(f"there is no invariant {number}: they are numbered from 1 to {len(INVARIANTS)}")
    return INVARIANTS[number - 1]
