"""Asking history about a silent line: what proves that it is mute, and what proves nothing."""

import pytest
import trio
from attrs import frozen

from engine.core.sequencer import Sequencer
from engine.flow.clock import MarketClock
from engine.flow.probe import missed
from engine.model.instant import NS_PER_S
from engine.model.market import Kind, Quote
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
