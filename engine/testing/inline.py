"""What blocks, run in its place: a simulation has no threads, since a virtual clock would run away beside one."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import trio

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def run_inline(function: Callable[[*Ts], T], /, *args: *Ts, abandon_on_cancel: bool = False) -> T:
    """As `trio.to_thread.run_sync`, without the thread; ``abandon_on_cancel`` is moot where nothing can be left."""
    del abandon_on_cancel
    await trio.lowlevel.checkpoint()
    return function(*args)
