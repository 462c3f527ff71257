"""A tape where a session expects feeds: always live, never cut, and its past ends at now."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import trio
from attrs import define, field

from engine.core.histogram import Histogram
from engine.core.sequencer import Sequencer
from engine.errors import Misconfigured
from engine.flow.channel import Waker
from engine.flow.tuning import StreamTuning
from engine.model.market import Kind
from engine.ports import HistoryPage, HistoryQuery, Line, Tape

TAPE_FEED: Final = "tape"
"""The name of the feed where all streams come from one tape."""


@define(eq=False)
class TapeHistory:
    """`engine.ports.History` of what a tape holds up to ``known_ns``, and of nothing later."""

    tape: Tape
    known_ns: Callable[[], int]

    def keeps(self, kind: Kind) -> bool:
        """Whether the tape holds events of this kind."""
        return any(stream.kind is kind for stream in self.tape.streams)

    async def page(self, query: HistoryQuery, token: str | None = None) -> HistoryPage:
        """All rows of one symbol; ``token`` is the place of the symbol in the query."""
        await trio.lowlevel.checkpoint()
        place = int(token or 0)
        symbols = sorted(query.symbols)
        rows = self.tape.history(query.kind, symbols[place], query.start_ns, query.end_ns, before_ns=self.known_ns())
        return HistoryPage(list(rows), str(place + 1) if place + 1 < len(symbols) else None)


@define(eq=False)
class TapeFeed:
    """`engine.ports.Feed` in name: it has a past, and no line to open."""

    name: str
    history: TapeHistory

    def open_line(self) -> AbstractAsyncContextManager[Line]:
        """Nothing to connect to; raises `Misconfigured`."""
        raise Misconfigured(f"feed {self.name}: a replay reads its tape and opens no line; this is a bug of gapless")


@define(eq=False, kw_only=True)
class TapeStream:
    """`engine.flow.markets.FeedStream` of a tape: events reach the fan-out from the replay, not from here."""

    feed: TapeFeed
    state: str = "live"
    connects: int = 0
    restarts: int = 0
    retry_at_s: float | None = None
    lag: Histogram = field(factory=Histogram)
    sequencer: Sequencer = field(factory=lambda: Sequencer(StreamTuning().settling))
    changed: Waker = field(factory=Waker)

    async def run(self) -> None:
        """Nothing to keep alive."""
        await trio.sleep_forever()

    async def prove_complete(self, quiet_s: float) -> bool:
        """A tape that is over was told whole."""
        await trio.lowlevel.checkpoint()
        return True
