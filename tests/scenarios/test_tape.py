"""The real tape: what a strategy is told of it, over a line that is cut in five ways while history lags and events are
repeated and shuffled, is the tape, row for row and in order."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from engine import Kind, MarketEvent, Stream
from engine.app.options import Tuning

pa = pytest.importorskip("pyarrow", reason="a tape needs pyarrow, which is not installed")
pc = pytest.importorskip("pyarrow.compute")
pq = pytest.importorskip("pyarrow.parquet")

ROWS = 20_000
STREAMS = {"trades": Stream(Kind.TRADES, "XXX"), "quotes": Stream(Kind.QUOTES, "XXX")}
FIELDS = {
    "trades": ("ts_ns", "price", "size", "exchange"),
    "quotes": ("ts_ns", "bid_price", "bid_size", "ask_price", "ask_size"),
}
# Ten cuts of five kinds; on a real clock a mute or half-open line takes seconds to be recognised, so few of these.
CUTS = (
    "cut", "cut_without_close", "truncated_frame", "mute", "cut", "cut_without_close", "truncated_frame", "half_open",
    "cut", "cut_without_close",
)  # fmt: skip
CUT = "".join(
    f'[[fault]]\nkind = "{kind}"\nafter_events = {1500 + 1700 * place}\ntimes = 1\n' for place, kind in enumerate(CUTS)
)
TUNING = Tuning(ping_every_s=0.5, pong_within_s=1.5)
UNTIDY = '[[fault]]\nkind = "history_lag"\nlag = "5s"\n[[fault]]\nkind = "duplicate"\n[[fault]]\nkind = "reorder"\n'


@pytest.fixture(scope="module")
def tape(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The first rows of XXX, trades and quotes together, as files of their own."""
    data = root.parent / "shared" / "data"
    sources = {name: data / f"{name}.parquet" for name in STREAMS}
    if not all(path.is_file() for path in sources.values()):
        pytest.skip(f"the market data for tests (../shared/data) is not here: {', '.join(map(str, STREAMS))}.parquet")
    tables = {name: pq.read_table(path, filters=[("symbol", "=", "XXX")]) for name, path in sources.items()}
    times = sorted(ts_ns for table in tables.values() for ts_ns in table["ts_ns"].to_pylist())
    folder = tmp_path_factory.mktemp("tape")
    for name, table in tables.items():
        first = table.filter(pc.less_equal(table["ts_ns"], pa.scalar(times[ROWS])))
        pq.write_table(first, folder / f"{name}.parquet")
    return {name: folder / f"{name}.parquet" for name in STREAMS}


def rows_of(path: Path, name: str) -> list[tuple[object, ...]]:
    """The rows of a file, as the fields that both sides have."""
    table = pq.read_table(path).to_pylist()
    return [tuple(row[field] for field in FIELDS[name]) for row in table]


def told_of(events: Sequence[MarketEvent], name: str) -> list[tuple[object, ...]]:
    """The same of what a strategy was told."""
    kind = STREAMS[name].kind
    return [tuple(getattr(event, field) for field in FIELDS[name]) for event in events if event.kind is kind]


async def check_tape(hold: Any, watcher: Any, tape: dict[str, Path], speed: float, encoding: str) -> None:
    watch = watcher(tuple(STREAMS.values()))
    outcome = await hold(
        watch.plug(), faults=CUT + UNTIDY, for_s=None, encoding=encoding, tapes=tuple(tape.values()), speed=speed,
        tuning=TUNING, session={"until_tape_ends": True},
    )  # fmt: skip
    assert outcome.report.ended_by == "tape"
    for name, path in tape.items():
        assert told_of(watch.events, name) == rows_of(path, name)
    assert len(watch.events) > ROWS
    hits = outcome.exchange.plan.hits
    assert sum(hits[kind] for kind in set(CUTS)) == len(CUTS), hits
    assert hits["duplicate"] > 100
    assert hits["reorder"] > 10
    (feed,) = outcome.report.feeds
    assert feed.restarts >= len(CUTS)
    assert not watch.gaps
    assert outcome.report.conservation.holds
    assert sum(row.backfilled for row in outcome.report.streams) > 500


@pytest.mark.slow
async def test_the_tape_as_fast_as_it_is_read_arrives_row_for_row(
    hold: Any, watcher: Any, tape: dict[str, Path]
) -> None:
    with trio.fail_after(60):
        await check_tape(hold, watcher, tape, 0.0, "msgpack")


@pytest.mark.slow
async def test_the_tape_a_hundred_times_as_fast_arrives_row_for_row(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any, tape: dict[str, Path]
) -> None:
    await check_tape(hold, watcher, tape, 100.0, "json")


@pytest.mark.slow
async def test_with_recent_history_refused_what_was_received_and_the_gaps_are_the_tape(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any, tape: dict[str, Path]
) -> None:
    watch = watcher(tuple(STREAMS.values()))
    outcome = await hold(
        watch.plug(), faults=CUT + '[[fault]]\nkind = "history_refused"\nyounger = "900s"\n', for_s=None,
        tapes=tuple(tape.values()), speed=100.0, tuning=TUNING, session={"until_tape_ends": True},
    )  # fmt: skip
    missing = 0
    assert [feed.restarts for feed in outcome.report.feeds] == [len(CUTS)]
    for name, path in tape.items():
        rest = iter(told_of(watch.events, name))
        gaps = [gap for gap in outcome.report.gaps if gap.stream == str(STREAMS[name])]
        assert len(gaps) == len(CUTS)
        assert {(gap.cause, gap.closed) for gap in gaps} == {("history_refused", False)}
        due = next(rest, None)
        for row in rows_of(path, name):
            instant = row[0]
            if row == due:
                due = next(rest, None)
                assert not [gap for gap in gaps if gap.start_ns < instant < gap.end_ns], row
            else:
                missing += 1
                assert any(gap.start_ns <= instant <= gap.end_ns for gap in gaps)
        assert due is None, "told in the order of the tape, and nothing else"
    assert missing > 100
    assert outcome.report.conservation.holds
