"""Compaction changes where events are and nothing else, and whatever ends it on its way loses nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from engine.codec.columns.events import NEEDED, OPTIONAL
from engine.exchange.tape import open_tape
from engine.model.instant import NS_PER_S
from engine.model.market import Kind, MarketEvent, Trade
from engine.store.session import read_session
from engine.store.session.compact import Compaction
from engine.store.session.writer import Batch, SessionWriter

Begin = Callable[..., SessionWriter]
DAY_NS = 86_400 * NS_PER_S
DAY = 1_772_409_600_000_000_000
"""2026-03-02T00:00:00Z."""


def compact(folder: Path, writer: SessionWriter) -> str:
    compaction = Compaction(folder)
    while compaction.step():
        pass
    return compaction.conclude(writer.manifest, 9)


def names(folder: Path) -> list[str]:
    market = folder / "market"
    return sorted(path.relative_to(market).as_posix() for path in market.rglob("*.*"))


def test_every_kind_comes_back_exactly(tmp_path: Path, begin: Begin, every_kind: list[MarketEvent]) -> None:
    writer = begin(tmp_path)
    told = [(DAY + number, event) for number, event in enumerate(every_kind)]
    writer.write(Batch(told=[(at_ns, [event]) for at_ns, event in told]))
    writer.end_run(9)
    assert compact(tmp_path, writer) == ""
    session = read_session(tmp_path)
    assert session.compacted
    assert not (tmp_path / "market.journal").exists()
    assert list(session.told()) == told
    assert names(tmp_path) == [f"2026-03-02/{kind}.parquet" for kind in sorted(Kind)]


def test_days_are_those_in_which_events_were_told(tmp_path: Path, begin: Begin, market: Any) -> None:
    writer = begin(tmp_path)
    days = [DAY - 1, DAY, DAY + DAY_NS - 1, DAY + 3 * DAY_NS, DAY + DAY_NS]
    writer.write(Batch(told=[(at_ns, market.trades(2)) for at_ns in days]))
    writer.end_run(9)
    compact(tmp_path, writer)
    session = read_session(tmp_path)
    assert names(tmp_path) == [f"2026-03-0{day}/trades.parquet" for day in (1, 2, 5)]
    assert list(session.market()) == market.told
    assert sorted(session.manifest.files) == ["decisions.journal", *(f"market/{name}" for name in names(tmp_path))]


def test_what_was_compacted_can_be_played_as_a_tape(tmp_path: Path, begin: Begin, market: Any) -> None:
    writer = begin(tmp_path)
    writer.write(Batch(told=[(DAY, market.trades(5)), (DAY, market.trades(5, "AAPL"))]))
    writer.end_run(9)
    compact(tmp_path, writer)
    (path,) = read_session(tmp_path).parquet_files()
    assert set(pyarrow.parquet.read_schema(path).names) >= NEEDED[Kind.TRADES] | OPTIONAL[Kind.TRADES]
    played = [event for _, event in open_tape([path]).rows() if isinstance(event, Trade)]
    told = {(event.symbol, event.ts_ns, event.price, event.id, event.conditions) for event in market.told}
    assert {(one.symbol, one.ts_ns, one.price, one.id, one.conditions) for one in played} == told


@pytest.mark.parametrize("steps", range(6))
def test_a_compaction_that_is_killed_leaves_the_journal_and_is_done_again(
    tmp_path: Path, begin: Begin, market: Any, steps: int
) -> None:
    writer = begin(tmp_path)
    for day in range(3):
        writer.write(Batch(told=[(DAY + day * DAY_NS, market.trades(4))]))
    writer.end_run(9)
    killed = Compaction(tmp_path)
    for _ in range(steps):
        killed.step()
    assert list(read_session(tmp_path).market()) == market.told
    writer.close()
    again = begin(tmp_path)
    assert again.last_seq == 12
    again.end_run(10)
    assert compact(tmp_path, again) == ""
    assert list(read_session(tmp_path).market()) == market.told
    assert len(names(tmp_path)) == 3


def test_a_compaction_that_is_stopped_leaves_the_journal_and_says_so(tmp_path: Path, begin: Begin, market: Any) -> None:
    writer = begin(tmp_path)
    for day in range(3):
        writer.write(Batch(told=[(DAY + day * DAY_NS, market.trades(4))]))
    writer.end_run(9)
    stopped = Compaction(tmp_path)
    stopped.step()
    assert "it was stopped" in stopped.conclude(writer.manifest, 9)
    session = read_session(tmp_path)
    assert session.manifest.finished
    assert list(session.market()) == market.told
    assert names(tmp_path) == []


def test_what_parquet_cannot_hold_keeps_the_journal(tmp_path: Path, begin: Begin) -> None:
    writer = begin(tmp_path)
    trade = Trade("SPY", DAY, 1.0, 1.0, 2**63, seq=1)
    writer.write(Batch(told=[(DAY, [trade])]))
    writer.end_run(9)
    assert "stay in" in compact(tmp_path, writer)
    assert list(read_session(tmp_path).market()) == [trade]


def test_a_session_without_events_ends_too(tmp_path: Path, begin: Begin) -> None:
    writer = begin(tmp_path)
    writer.end_run(9)
    assert compact(tmp_path, writer) == ""
    assert list(read_session(tmp_path).market()) == []
