"""A recorded session is a tape: told as it was told then, compacted or not, with what it missed."""

from collections.abc import Callable
from itertools import count, pairwise
from pathlib import Path

import pytest
import trio
from attrs import evolve
from msgspec.structs import replace

from engine import Context, strategy
from engine.app.options import LoadedStrategy
from engine.app.replay.options import Replayed, ReplayOptions
from engine.app.replay.run import replay as run_replay
from engine.errors import Misconfigured
from engine.model.control import Gap
from engine.model.instant import NS_PER_S
from engine.model.market import Bar, Kind, MarketEvent, News, Trade
from engine.model.stream import ANY, ARTICLES, Stream
from engine.store.session import Manifest
from engine.store.session.compact import Compaction
from engine.store.session.writer import Batch, SessionWriter
from engine.store.tape import open_tape

pytest.importorskip("pyarrow")

T0 = 1_772_461_800 * NS_PER_S
Told = list[tuple[int, list[MarketEvent]]]


def trade(number: int, symbol: str = "SPY", late_s: int = 0) -> Trade:
    at_ns = T0 + (number - late_s) * NS_PER_S
    return Trade(symbol, at_ns, 100.0 + number, 1.0, number, "V", ("@",), received_ns=at_ns + 7)


def told() -> Told:
    """Arrivals of one and of many, a late one, a minute bar and an article."""
    bar = Bar("SPY", T0 - 60 * NS_PER_S, 1.0, 2.0, 0.5, 1.5, 9.0, received_ns=T0)
    article = News("", T0, 5, "A headline", symbols=("SPY", "QQQ"), received_ns=T0)
    arrivals: Told = [
        (T0 + 10, [bar, trade(0)]),
        (T0 + 2 * NS_PER_S, [trade(1), trade(2), trade(1, "QQQ")]),
        (T0 + 3 * NS_PER_S, [trade(3, late_s=2), article]),
        (T0 + 3 * NS_PER_S, [trade(3, "QQQ")]),
        (T0 + 9 * NS_PER_S, [trade(9)]),
    ]
    numbers = count(1)
    return [(at_ns, [replace(event, seq=next(numbers)) for event in events]) for at_ns, events in arrivals]


def record(folder: Path, arrivals: Told, *, compacted: bool = False, runs: int = 1) -> Path:
    """A session of these, written in ``runs`` that each ended as a crash does, or compacted."""
    manifest = Manifest(started_ns=T0, venue="exchange", settings={}, seeds={})
    folder.mkdir()
    for run in range(runs):
        writer = SessionWriter.open(folder, manifest, frames=False, feed_of=lambda _: "sip")
        share = arrivals[run * len(arrivals) // runs : (run + 1) * len(arrivals) // runs]
        writer.write(Batch(told=share))
        if run < runs - 1:
            writer.close()
    writer.end_run(T0 + 60 * NS_PER_S)
    if compacted:
        compaction = Compaction(folder)
        while compaction.step():
            pass
        assert compaction.conclude(writer.manifest, T0 + 60 * NS_PER_S) == ""
    writer.close()
    return folder


def heard(folder: Path, *streams: Stream) -> list[tuple[int, Kind, str, int]]:
    tape = open_tape([folder])
    tape.want(set(streams) or tape.streams)
    found = []
    while (window := tape.window()) is not None:
        for due_ns, event in zip(window.dues_ns, window.events, strict=True):
            assert (event.received_ns, event.origin, event.seq) == (due_ns, "replay", 0)
            found.append((due_ns, event.kind, event.symbol, event.ts_ns))
        tape.advance(len(window.events))
    return found


MADE = {Kind.DAILY_BARS, Kind.UPDATED_BARS}


@pytest.mark.parametrize("compacted", [False, True])
def test_events_are_due_when_they_were_told_and_in_that_order(tmp_path: Path, *, compacted: bool) -> None:
    folder = record(tmp_path / "session", told(), compacted=compacted)
    found = [one for one in heard(folder) if one[1] not in MADE and not (one[1] is Kind.BARS and one[2] == "QQQ")]
    expected = [(at_ns, event.kind, event.symbol, event.ts_ns) for at_ns, events in told() for event in events]
    assert found == expected
    assert all(one[0] <= other[0] for one, other in pairwise(found))


def test_compaction_changes_nothing_of_a_tape(tmp_path: Path) -> None:
    plain, packed = record(tmp_path / "a", told()), record(tmp_path / "b", told(), compacted=True)
    assert heard(plain) == heard(packed)
    assert open_tape([plain]).digest == open_tape([packed]).digest
    assert open_tape([plain]).streams == open_tape([packed]).streams


def test_a_session_that_crashed_and_went_on_is_told_whole(tmp_path: Path) -> None:
    once, thrice = record(tmp_path / "a", told()), record(tmp_path / "b", told(), runs=3)
    assert heard(once) == heard(thrice)


def test_symbols_and_articles_are_told_to_who_wants_them(tmp_path: Path) -> None:
    folder = record(tmp_path / "session", told())
    assert [one[0] for one in heard(folder, ARTICLES)] == [T0 + 3 * NS_PER_S]
    assert {one[2] for one in heard(folder, Stream(Kind.TRADES, "QQQ"))} == {"QQQ"}
    assert open_tape([folder], symbols=["QQQ"]).symbols == ("QQQ",)
    with pytest.raises(Misconfigured, match="IBM"):
        open_tape([folder], symbols=["IBM"])


@pytest.mark.parametrize("compacted", [False, True])
def test_history_of_a_session_ends_at_the_instant_that_is_asked(tmp_path: Path, *, compacted: bool) -> None:
    tape = open_tape([record(tmp_path / "session", told(), compacted=compacted)])
    for before_ns, rows_known in ((T0, 0), (T0 + 10, 1), (T0 + 2 * NS_PER_S, 3), (T0 + 10 * NS_PER_S, 5)):
        rows = tape.history(Kind.TRADES, "SPY", 0, T0 + 99 * NS_PER_S, before_ns=before_ns)
        assert len(rows) == rows_known
        assert [row.ts_ns for row in rows] == sorted(row.ts_ns for row in rows)
        assert {row.origin for row in rows} <= {"backfill"}


@strategy()
async def counts(ctx: Context) -> None:
    """Buys as many as it has heard, every other trade."""
    heard_of = 0
    async with ctx.trades(ANY) as trades:
        async for _ in trades:
            heard_of += 1
            if heard_of % 2:
                await ctx.buy("SPY", heard_of)


def _replay(*folders: Path, **options: object) -> Replayed:
    player = LoadedStrategy(counts, None, "counts")
    return run_replay(evolve(ReplayOptions(strategies=(player,), tapes=folders), **options))


def test_a_session_is_replayed_to_one_fingerprint_compacted_or_not(tmp_path: Path) -> None:
    plain, packed = record(tmp_path / "a", told()), record(tmp_path / "b", told(), compacted=True)
    first = _replay(plain)
    assert (first.events, len(first.decisions)) == (7, 4)
    roads: list[Callable[[], Replayed]] = [lambda: _replay(packed), lambda: _replay(plain, fast=False)]
    for run in roads:
        assert run().journal_hash == first.journal_hash


@strategy()
async def looks_for_holes(ctx: Context) -> None:
    """Says what it is told, and which holes others are told of."""

    async def listen() -> None:
        async with ctx.lifecycle() as news:
            async for event in news:
                if isinstance(event, Gap):
                    ctx.log(f"{event.stream.symbol} lacks something")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        async with ctx.trades("SPY", gaps=True) as trades:
            async for told in trades:
                if isinstance(told, Gap):
                    ctx.log(
                        f"{told.cause} from {(told.start_ns - T0) / NS_PER_S:g} to {(told.end_ns - T0) / NS_PER_S:g}"
                    )
                else:
                    ctx.log(f"trade {told.id}")
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("compacted", [False, True])
@pytest.mark.parametrize("fast", [False, True])
def test_what_a_crash_kept_from_being_recorded_is_a_gap_in_its_place(
    tmp_path: Path, *, fast: bool, compacted: bool
) -> None:
    arrivals = [(T0 + n * NS_PER_S, [replace(trade(n), seq=n + 1)]) for n in range(40)]
    folder = record(tmp_path / "session", arrivals, runs=2, compacted=compacted)
    alone = LoadedStrategy(looks_for_holes, None, "looks")
    done = run_replay(ReplayOptions(strategies=(alone,), tapes=(folder,), fast=fast))
    assert not [row.error for row in done.report.strategies if row.error]
    trades = [f"looks: trade {number}" for number in range(40)]
    told = ["looks: SPY lacks something", "looks: not_recorded from 19 to 20"]
    assert [*done.said[:20], *sorted(done.said[20:22]), *done.said[22:]] == [*trades[:20], *sorted(told), *trades[20:]]
    assert [(row.stream, row.cause) for row in done.report.gaps] == [("trades:SPY", "not_recorded")]
    beside = LoadedStrategy(counts, None, "counts")
    both = run_replay(ReplayOptions(strategies=(alone, beside), tapes=(folder,), fast=fast))
    assert both.said == done.said


def test_what_was_never_heard_again_is_told_before_the_end_and_outside_of_the_span_nothing(tmp_path: Path) -> None:
    arrivals: Told = [(T0, [trade(0), trade(0, "QQQ")]), (T0 + 5 * NS_PER_S, [trade(5)])]
    folder = record(tmp_path / "session", arrivals, runs=2)
    spy, qqq = Stream(Kind.TRADES, "SPY"), Stream(Kind.TRADES, "QQQ")
    assert {(gap.stream, gap.at_ns) for gap in open_tape([folder]).gaps} == {
        (spy, T0 + 5 * NS_PER_S), (qqq, T0 + 5 * NS_PER_S)
    }  # fmt: skip
    assert [gap.stream for gap in open_tape([folder], symbols=["SPY"]).gaps] == [spy]
    assert not open_tape([folder], end_ns=T0 + 4 * NS_PER_S).gaps
