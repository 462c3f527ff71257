"""The engine's sign of life: a small file, written each second by the loop that everything else runs on.

It is for a process outside (``gapless guard``), which cancels and flattens when the signs stop. So it has to stop when
the engine stops, and that is why the file is written on the loop and not by a thread: a thread goes on beating beside
a loop that hangs. Nothing is synced: after a loss of power there is no engine to watch.

One line of always the same length is written over the last one, in a file that stays open: six microseconds into the
page cache. Writing beside and moving into place would cost 0.3 ms, and 8 ms of a busy disk's every hundredth time, each
of them with the loop standing still (measured on ext4). What moving is for, a reader who never sees half of a file, is
not needed here. A reader may once in a great while see the beginning of one beat and the end of the one before: then it
cannot be read, and counts as no change until it is looked at again half a second later, or it can, and has changed.
"""

import json
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path
from typing import Final

import trio
from attrs import frozen

FILE_NAME: Final = "heartbeat"
BEAT_EVERY_S: Final = 1.0
"""Often enough that a guard may act after a few seconds, and nothing beside what else a second costs."""
LINE_BYTES: Final = 256
"""The length of the line, with room for any number in it; one piece of a page, which no disk writes in two."""


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
    with ExitStack() as stack:
        file: FileIO | None = None
        while True:
            late_s = max(0.0, trio.current_time() - due_s)
            beat = Heartbeat(pid=os.getpid(), at=wall_s(), loop_lag_s=round(late_s, 3), open_orders=open_orders())
            with suppress(OSError):
                if file is None or not os.fstat(file.fileno()).st_nlink:  # somebody removed it: nobody would see it
                    stack.close()
                    file = stack.enter_context(FileIO(folder / FILE_NAME, "w"))
                _write(file, beat)
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
            told = json.loads(file.read(LINE_BYTES))
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


def _write(file: FileIO, beat: Heartbeat) -> None:
    # JSON of four numbers, spelt out: a quarter of what making it costs.
    told = (
        f'{{"pid": {beat.pid}, "at": {beat.at!r}, "loop_lag_s": {beat.loop_lag_s!r}, '
        f'"open_orders": {beat.open_orders}}}'
    )
    os.pwrite(file.fileno(), told.ljust(LINE_BYTES - 1).encode("ascii") + b"\n", 0)
