"""Asking history about a silent line: what proves that it is mute, and what proves nothing."""

import pytest
import trio
from attrs import frozen

from engine.core.sequencer import Sequencer
from engine.flow.clock import MarketClock
from engine.flow.probe import PAGES_MAX, missed, missed_of
from engine.model.instant import NS_PER_S
from engine.model.market import Kind, MarketEvent, Quote, Trade
from engine.model.stream import Stream
from engine.ports import HistoryPage, HistoryQuery

BEGAN_NS = 1_000 * NS_PER_S


@frozen
class Listed:
    """A history of one quote."""

    at_ns: int

    def keeps(self, kind: Kind) -> bool:
        return kind is Kind.QUOTES

    async def page(self, query: HistoryQuery, token: str | None = None) -> HistoryPage:
        await trio.lowlevel.checkpoint()
        quote = Quote("A", self.at_ns, 1.0, 1.0, 2.0, 1.0, "N", "N", origin="backfill")
        return HistoryPage([quote] if query.start_ns <= self.at_ns <= query.end_ns else [], None)


@pytest.mark.parametrize(
    ("after_s", "proof"), [(-1, "nothing_missed"), (0, "nothing_missed"), (1, "nothing_missed"), (3, "missed")]
)
async def test_what_was_published_around_the_subscription_is_no_proof(after_s: int, proof: str) -> None:
    """It may have been told to others a moment before, and clocks differ by a little."""
    sequencer = Sequencer()
    sequencer.begin(Stream(Kind.QUOTES, "A"), BEGAN_NS)
    clock = MarketClock(None, lambda: BEGAN_NS + 60 * NS_PER_S)
    assert await missed(sequencer, Listed(BEGAN_NS + after_s * NS_PER_S), clock, everything=False) == proof


@frozen
class Rows:
    """A history of these trades, two to a page."""

    trades: tuple[tuple[str, int], ...]
    pages: int = 99

    def keeps(self, kind: Kind) -> bool:
        return kind is Kind.TRADES

    async def page(self, query: HistoryQuery, token: str | None = None) -> HistoryPage:
        await trio.lowlevel.checkpoint()
        asked: list[MarketEvent] = [
            Trade(symbol, BEGAN_NS + at_s * NS_PER_S, 1.0, 1.0, id=at_s, exchange="V", origin="backfill")
            for symbol, at_s in sorted(self.trades)
            if symbol in query.symbols and query.start_ns <= BEGAN_NS + at_s * NS_PER_S <= query.end_ns
        ]
        first = int(token or 0)
        return HistoryPage(asked[first : first + 2], str(first + 2) if first + 2 < len(asked) else None)


def trades_of(*symbols: str) -> list[Stream]:
    return [Stream(Kind.TRADES, symbol) for symbol in symbols]


async def test_each_stream_is_asked_about_from_its_own_last_event_on() -> None:
    """A trades on and B does not: that A was told something later says nothing of B."""
    sequencer = Sequencer()
    clock = MarketClock(None, lambda: BEGAN_NS + 600 * NS_PER_S)
    a, b, c, unknown = trades_of("A", "B", "C", "D")
    for stream in (a, b, c):
        sequencer.begin(stream, BEGAN_NS)
    told = [("A", 100), ("B", 100), ("A", 400)]
    sequencer.accept([Trade(s, BEGAN_NS + at_s * NS_PER_S, 1.0, 1.0, id=at_s, exchange="V") for s, at_s in told])
    history = Rows((*told, ("B", 200), ("B", 300), ("C", 1)))
    assert await missed_of(sequencer, history, clock, [a, b, c, unknown, Stream(Kind.BOOKS, "A")]) == {
        a: "nothing_missed", b: "missed", c: "nothing_missed"
    }  # fmt: skip


async def test_what_is_beyond_the_last_page_that_is_read_is_unknown() -> None:
    sequencer = Sequencer()
    clock = MarketClock(None, lambda: BEGAN_NS + 600 * NS_PER_S)
    streams = trades_of("A", "B")
    for stream in streams:
        sequencer.begin(stream, BEGAN_NS)
    history = Rows((*(("A", at_s) for at_s in range(10, 10 + 2 * PAGES_MAX)), ("B", 500)))
    assert await missed_of(sequencer, history, clock, streams) == {streams[0]: "missed"}
    assert await missed_of(sequencer, Rows(()), clock, []) == {}
