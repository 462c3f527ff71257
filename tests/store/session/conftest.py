"""Events of every kind, and sessions that end as real ones do: in order, by a crash, on a full disk."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model.market import (
    Bar,
    Book,
    Cancel,
    Correction,
    DailyBar,
    Imbalance,
    Luld,
    MarketEvent,
    News,
    Pricing,
    Quote,
    Status,
    Trade,
    UpdatedBar,
)
from engine.store.session import Manifest
from engine.store.session.writer import SessionWriter

NOW_NS = 1_772_461_867_500_000_000
"""2026-03-02T14:31:07.5Z."""


class Market:
    """Makes trades with numbers that go on."""

    def __init__(self) -> None:
        self.seq = 0
        self.told: list[MarketEvent] = []

    def trades(self, count: int, symbol: str = "SPY", at_ns: int = NOW_NS) -> list[MarketEvent]:
        made: list[MarketEvent] = []
        for _ in range(count):
            self.seq += 1
            ts_ns = at_ns + self.seq
            made.append(Trade(symbol, ts_ns, 1.5, 2.0, self.seq, "V", ("@", "I"), received_ns=ts_ns, seq=self.seq))
        self.told += made
        return made


@pytest.fixture
def market() -> Market:
    return Market()


@pytest.fixture
def manifest() -> Manifest:
    return Manifest(started_ns=NOW_NS, venue="exchange", settings={"seed": 1}, seeds={"session": 1})


@pytest.fixture
def every_kind() -> list[MarketEvent]:
    """All thirteen kinds, and what is odd in them, numbered."""
    bar: tuple[Any, ...] = ("SPY", NOW_NS, 1.0, 2.0, 0.5, 1.5, 100.0, 7, 1.25)
    odd: list[MarketEvent] = [
        Trade("SPY", NOW_NS, 1.5, 2.0, 7, "V", ("@", "I"), "C", "", "corrected", 3, 4),
        Trade("BTC/USD", NOW_NS, 0.1 + 0.2, 1e-9, None, taker_side="B", origin="backfill"),
        Trade("SPY", NOW_NS, 1.5, 2.0, 8, "V", ("AB", "", "C"), origin="replay"),
        Trade("SPY", NOW_NS, float("inf"), 0.0, 2**62, "é", ("é",)),
        Quote("SPY", NOW_NS, 1.0, 2.0, 3.0, 4.0, "V", "Q", ("R",), "B", 5, 6),
        Quote("SPY", NOW_NS, 0.0, 0.0, 0.0, 0.0, conditions=("Cross", "R")),
        Bar(*bar, received_ns=4),
        UpdatedBar(*bar),
        DailyBar(*bar),
        Status("SPY", NOW_NS, "H", "Halt", "T1", "News pending", "A"),
        Luld("SPY", NOW_NS, 2.0, 1.0, "B", "A"),
        Correction("SPY", NOW_NS, "V", 1, 2.0, 3.0, 4, 5.0, 6.0, ("@", "IX"), ("",), "C"),
        Cancel("SPY", NOW_NS, "V", 1, 2.0, 3.0, "C", "A"),
        Imbalance("SPY", NOW_NS, 1.5, "A"),
        Book("BTC/USD", NOW_NS, ((1.0, 2.0), (3.0, 4.0)), (), reset=True),
        Book("BTC/USD", NOW_NS, (), ((5.0, 0.0),)),
        Pricing("BTC-PERP", NOW_NS, 1.0, 2.0, -0.5, 4.0, NOW_NS, "X"),
        News("", NOW_NS, 5, "A headline", "s", "a", "<p>\n\0</p>", "u", 3, ("SPY", "BTCUSD"), "benzinga"),
    ]
    return [replace(event, seq=number) for number, event in enumerate(odd, 1)]


@pytest.fixture
def begin(manifest: Manifest) -> Iterator[Callable[..., SessionWriter]]:
    """Opens a writer, and lets go of it at the end, as a crash does."""
    opened: list[SessionWriter] = []

    def open_writer(folder: Path, *, frames: bool = False, **changes: Any) -> SessionWriter:
        from attrs import evolve

        folder.mkdir(exist_ok=True)
        writer = SessionWriter.open(folder, evolve(manifest, **changes), frames=frames, feed_of=lambda _: "iex")
        opened.append(writer)
        return writer

    yield open_writer
    for writer in opened:
        writer.close()
