"""The engine's sign of life: a small file, written each second by the loop that everything else runs on.

It is for a process outside (``gapless guard``), which cancels and flattens when the signs stop. So it has to stop when
the engine stops, and that is why the file is written on the loop and not by a thread: a thread goes on beating beside
a loop that hangs. Two hundred bytes into the page cache are some ten microseconds, and nothing is synced: after a loss
of power there is no engine to watch.

The file is written beside its place and moved into it, so that a reader never sees half of one.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import trio
from attrs import asdict, frozen

FILE_NAME: Final = "heartbeat"
BEAT_EVERY_S: Final = 1.0
"""Often enough that a guard may act after a few seconds, and nothing beside what else a second costs."""
READ_MAX: Final = 4096
"""Bytes of the file that are read; it has some two hundred."""


@frozen(kw_only=True)
class Heartbeat:
    """What the engine says of itself. ``at`` is seconds since the epoch by this machine's clock.

    ``loop_lag_s`` is how much later than meant the loop got round to writing this: what a strategy blocks it for.
    """

    pid: int
    at: float
    loop_lag_s: float
    open_orders: int


async def serve_heartbeat(folder: Path, wall_s: Callable[[], float], open_orders: Callable[[], int]) -> None:
    """Write the file each second until cancelled. It stays where it is: see `end_heartbeat`.

    A disk that does not take it is no reason to stop trading: the guard will see that the signs stop.
    """
    due_s = trio.current_time()
    while True:
        late_s = max(0.0, trio.current_time() - due_s)
        _write(
            folder / FILE_NAME,
            Heartbeat(pid=os.getpid(), at=wall_s(), loop_lag_s=round(late_s, 3), open_orders=open_orders()),
        )
        due_s = trio.current_time() + BEAT_EVERY_S
        await trio.sleep_until(due_s)


def end_heartbeat(folder: Path) -> None:
    """Remove the file: the session has ended in order, and its silence is no reason for alarm.

    Not done when a session ends by an error: then what it leaves open is nobody's, which is what a guard is for.
    """
    (folder / FILE_NAME).unlink(missing_ok=True)


def read_heartbeat(folder: Path) -> Heartbeat | None:
    """The last sign of life; ``None`` where there is none, because no engine ever began or it ended in order.

    Raises ``OSError`` where the file is there and cannot be read, ``ValueError`` where it is not one.
    """
    try:
        with (folder / FILE_NAME).open("rb") as file:
            told = json.loads(file.read(READ_MAX))
    except FileNotFoundError:
        return None
    try:
        return Heartbeat(
            pid=int(told["pid"]),
            at=float(told["at"]),
            loop_lag_s=float(told["loop_lag_s"]),
            open_orders=int(told["open_orders"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder / FILE_NAME} is no heartbeat") from error


def _write(path: Path, beat: Heartbeat) -> None:
    fresh = path.with_suffix(".new")
    try:
        fresh.write_text(json.dumps(asdict(beat)) + "\n", encoding="ascii")
        fresh.replace(path)
    except OSError:
        return
