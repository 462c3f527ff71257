"""Whoever opens a file and is cancelled meanwhile gets away, at whichever step of the opening that is."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
import trio

from engine.store import open_store
from engine.store.session import Manifest, open_recording
from engine.testing.inline import run_inline
from engine.testing.simulate.world.clock import JumpingClock

Opening = Callable[[Path], AbstractAsyncContextManager[object]]


def order_file(folder: Path) -> AbstractAsyncContextManager[object]:
    return open_store(folder, now_ns=lambda: 1, run_sync=run_inline)


def recording(folder: Path) -> AbstractAsyncContextManager[object]:
    manifest = Manifest(started_ns=1, venue="exchange", strategies=(), settings={}, seeds={}, feeds={})
    return open_recording(folder, manifest, run_sync=run_inline)


async def leave_after(steps: int, opened: AbstractAsyncContextManager[object]) -> bool:
    """Open it and be cancelled so many steps later; whether it was open by then."""
    there = False

    async def cancel(scope: trio.CancelScope) -> None:
        for _ in range(steps):
            await trio.lowlevel.cancel_shielded_checkpoint()
        scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(cancel, nursery.cancel_scope)
        async with opened:
            there = True
            await trio.sleep_forever()
    return there


@pytest.mark.parametrize("opening", [order_file, recording])
def test_who_is_cancelled_while_it_opens_gets_away(tmp_path: Path, opening: Opening) -> None:
    # This clock raises where all wait and nothing would ever happen again.
    opened = [
        trio.run(partial(leave_after, steps, opening(tmp_path / str(steps))), clock=JumpingClock())
        for steps in range(20)
    ]
    assert not opened[0]
    assert opened[-1]
