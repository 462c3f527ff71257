"""The one task that looks at the engine for everybody: while somebody watches, twice and a half a second.

The look itself is a step of Trio's thread. Making HTML of it is not: that is done in a thread, once for all who watch
the same page, and none is made of a page that nobody watches.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeVar

import msgspec
import trio
from attrs import define, field

from engine.flow.channel import Waker
from engine.store.sqlite import RunSync
from engine.web.pulse.board import Board
from engine.web.scene import Scene

BEAT_S: Final = 0.4
"""What happens is on the page after half a beat on average, and after one and what drawing it takes at most."""
WATCHERS_MAX: Final = 64
"""Pages that are kept up to date at once, over all browsers; one more is told to come back later."""

T = TypeVar("T")
Pieces = dict[str, bytes]
"""Of a page, by name: JSON."""
Draw = Callable[[Scene], Mapping[str, str]]
"""Makes the pieces of a page that are HTML; runs in a thread."""
Gather = Callable[[Board], Pieces]
"""Reads what a page draws itself, such as candles; runs in Trio's thread, before the scene is drawn."""


class Full(Exception):
    """So many watch already that one more would be felt."""


@define(eq=False)
class View:
    """One page that is watched."""

    draw: Draw
    gather: Gather
    board: Board = field(factory=Board)


@define(eq=False)
class Pulse:
    """``scene`` reads the engine, ``prepare`` makes that fit to be shown, ``run_sync`` runs what would hold it up."""

    scene: Callable[[], Scene]
    prepare: Callable[[Scene], Scene]
    run_sync: RunSync = trio.to_thread.run_sync
    beat_s: float = BEAT_S
    _views: dict[str, View] = field(factory=dict, init=False)
    _wanted: Waker = field(factory=Waker, init=False)
    _drawing: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    async def run(self) -> None:
        """Beat until cancelled; rests while nobody watches."""
        while True:
            await trio.lowlevel.checkpoint()
            while not self._views:
                await self._wanted.wait()
            began_s = trio.current_time()
            await self.beat()
            await trio.sleep_until(began_s + self.beat_s)

    async def beat(self) -> None:
        """Bring every page that is watched up to now."""
        views = list(self._views.values())
        gathered = [view.gather(view.board) for view in views]
        scene = self.scene()

        def draw() -> list[Pieces]:
            shown = self.prepare(scene)
            return [_encode(view.draw(shown)) for view in views]

        drawn = await self._in_thread(draw)
        for view, data, pieces in zip(views, gathered, drawn, strict=True):
            view.board.put(data | pieces)

    async def _in_thread(self, draw: Callable[[], T]) -> T:
        """Draw beside the engine, one at a time."""
        async with self._drawing:
            return await self.run_sync(draw)

    async def draw(self, make: Callable[[Scene], str]) -> str:
        """One whole page of this moment, for a browser that asks for it."""
        scene = self.scene()
        return await self._in_thread(lambda: make(self.prepare(scene)))

    @contextmanager
    def watching(self, key: str, draw: Draw, gather: Gather) -> Iterator[Board]:
        """Keep a page up to date while the block runs. Raises `Full`."""
        if self.watchers >= WATCHERS_MAX:
            raise Full
        view = self._views.setdefault(key, View(draw, gather))
        view.board.watchers += 1
        self._wanted.wake()
        try:
            yield view.board
        finally:
            view.board.watchers -= 1
            if not view.board.watchers:
                del self._views[key]

    @property
    def watchers(self) -> int:
        """How many watch."""
        return sum(view.board.watchers for view in self._views.values())


def _encode(drawn: Mapping[str, str]) -> Pieces:
    return {name: msgspec.json.encode(str(text)) for name, text in drawn.items()}
