"""``gapless guard``: a dead-man's switch, in a process of its own. Off unless somebody starts it.

The engine cannot notice that it hangs, and what it left open goes on trading without it. So a second, much smaller
process watches the engine's sign of life (`engine.flow.account.heartbeat`), and when it has stood still for ``--after``
seconds does what ``gapless kill`` does. It needs the same keys and the same state folder, and runs on the same machine,
so it guards against an engine that hangs, crashes or is killed, and not against the loss of the machine.

Standing still is measured by the file not changing, by this process's own monotonic clock: wall clocks jump. An engine
that ends in order removes the file, and then there is nothing to guard until the next one begins. After it has acted
the guard ends, with the exit codes of ``gapless kill``: its engine is latched, and a person has to look.
"""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import trio

from engine.app.failures import INTERRUPTED
from engine.app.kill.act import kill
from engine.app.kill.aim import Aim
from engine.app.kill.flags import GuardFlags
from engine.app.kill.place import Place, find_place, open_reach, own_folder
from engine.app.kill.tell import tell
from engine.errors import Misconfigured
from engine.flow.account.heartbeat import BEAT_EVERY_S, Heartbeat, read_heartbeat

AFTER_MIN_S: Final = 3 * BEAT_EVERY_S
"""Two beats that come late are a busy machine and not a dead engine."""
LOOK_EVERY_S: Final = 0.5
"""Twice as often as the engine beats."""


async def guard_command(flags: GuardFlags) -> int:
    """Watch until the engine's heartbeat stops, and act then; Ctrl-C and SIGTERM end the watch. Raises
    `GaplessError`: what is wrong with flags, keys or the folder is told at the start and not in the hour of need."""
    if not flags.after >= AFTER_MIN_S:
        raise Misconfigured(f"--after {flags.after:g} is too short: the engine beats once a second; give 3 or more.")
    place = find_place(flags)
    async with open_reach(place) as reach:
        folder = await own_folder(place, reach)
        await reach.broker.positions()
    last = await _watch(folder, flags.after)
    if last is None:
        _note("stopped; nothing is guarded any more.")
        return INTERRUPTED
    _note(f"{last}; acting now.")
    return tell(await kill(place, _aim(flags, place, last)), as_json=flags.json)


def _aim(flags: GuardFlags, place: Place, reason: str) -> Aim:
    return Aim(
        reason=f"the guard acted: {reason}.",
        by="gapless guard",
        within_s=flags.within,
        everything=flags.all,
        cancel_only=place.cancel_only,
    )


async def _watch(folder: Path, after_s: float) -> str | None:
    """Why to act, or ``None`` when a signal ended the watch."""
    reason: str | None = None
    async with trio.open_nursery() as nursery:

        async def end_by_signal(*, task_status: trio.TaskStatus[None]) -> None:
            with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                task_status.started()
                async for _ in signals:
                    nursery.cancel_scope.cancel()

        await nursery.start(end_by_signal)
        _note(f"watching {folder}, and acting when its heartbeat has stopped for {after_s:g} s.")
        reason = await wait_silence(lambda: look(folder), after_s)
        nursery.cancel_scope.cancel()
    return reason


def look(folder: Path) -> Heartbeat | str | None:
    """The heartbeat, ``None`` where no engine is to be watched, or what is wrong with it."""
    try:
        return read_heartbeat(folder)
    except (OSError, ValueError) as error:
        return f"the heartbeat cannot be read ({error})"


async def wait_silence(look: Callable[[], Heartbeat | str | None], after_s: float) -> str:
    """Wait until what ``look`` gives has been there and has not changed for ``after_s`` seconds; says why to act.

    A heartbeat that cannot be read is one that does not change.
    """
    seen, changed_s = look(), trio.current_time()
    while True:
        await trio.sleep(LOOK_EVERY_S)
        now, now_s = look(), trio.current_time()
        if now is None or (isinstance(now, Heartbeat) and now != seen):
            seen, changed_s = now, now_s
        elif now_s - changed_s >= after_s:
            return _said(now, after_s)


def _said(last: Heartbeat | str, after_s: float) -> str:
    if isinstance(last, str):
        return f"{last} for {after_s:g} s"
    return (
        f"the engine (process {last.pid}, {last.open_orders} open orders) has shown no sign of life for {after_s:g} s"
    )


def _note(sentence: str) -> None:
    sys.stderr.write(f"gapless guard: {sentence}\n")
    sys.stderr.flush()
