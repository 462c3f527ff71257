"""However the same rows lie in files, and however fast they are told: one fingerprint and one journal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine import Context, strategy
from engine.app.options import LoadedStrategy
from engine.app.replay.options import Replayed, ReplayOptions
from engine.app.replay.run import replay
from engine.model.market import Kind, Trade
from tests.app.replay import made

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

SYMBOLS = ("SPY", "QQQ")
EVENTS = [event for event in made.make_events(9, 150, SYMBOLS, per_s=3) if isinstance(event, Trade)]


def write(path: Path, rows: Sequence[dict[str, Any]], group_rows: int) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), path, row_group_size=group_rows)
    return path


def rows() -> list[dict[str, Any]]:
    return [
        {"symbol": one.symbol, "ts_ns": one.ts_ns, "price": one.price, "size": one.size, "exchange": "V", "id": one.id}
        for one in EVENTS
    ]


@strategy()
async def looks_back(ctx: Context) -> None:
    """Reads both symbols and bars that are made of them, and decides by what was before."""
    streams = ctx.trades(*SYMBOLS), ctx.bars("SPY", warmup=1)
    async with streams[0] as trades, streams[1] as bars, ctx.merge(trades, bars) as merged:
        number = 0
        async for event in merged:
            number += 1
            if event.kind is Kind.BARS or number % 40 == 0:
                past = await ctx.history(Kind.TRADES, event.symbol, made.START_NS)
                await ctx.target(event.symbol, len(past) % 5)


def run(*tapes: Path, **options: Any) -> Replayed:
    players = (LoadedStrategy(looks_back, None, "looks_back"), LoadedStrategy(made.racers, made.Params(), "racers"))
    return replay(ReplayOptions(strategies=players, tapes=tapes, **options))


@pytest.mark.slow
def test_row_groups_files_and_orders_of_rows_change_nothing(tmp_path: Path) -> None:
    by_time = rows()
    by_symbol = sorted(by_time, key=lambda row: row["symbol"])
    first = run(write(tmp_path / "a.parquet", by_symbol, 1_000_000))
    assert len(first.decisions) > 20
    assert not [row.error for row in first.report.strategies if row.error]
    forms = [write(tmp_path / "b.parquet", by_symbol, 7), write(tmp_path / "c.parquet", by_symbol, 100)]
    for form in forms:
        again = run(form)
        assert (again.fingerprint, again.journal_hash) == (first.fingerprint, first.journal_hash)
    assert run(write(tmp_path / "d.parquet", by_time, 64)).fingerprint == first.fingerprint
    halves = [write(tmp_path / f"{name}.parquet", [row for row in by_time if row["symbol"] == name], 50)
              for name in sorted(SYMBOLS)]  # fmt: skip
    assert run(*halves).fingerprint == first.fingerprint


@pytest.mark.slow
def test_a_replay_that_keeps_to_a_clock_decides_as_a_fast_one(tmp_path: Path) -> None:
    tape = write(tmp_path / "a.parquet", rows()[:200], 64)
    assert run(tape, speed=1_000.0).journal_hash == run(tape).journal_hash == run(tape, fast=False).journal_hash
