"""What a report tells of a session is what happened in it, whatever became of the session."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from attrs import evolve
from msgspec.structs import replace

from engine.app.postmortem.page.build import build_page
from engine.app.postmortem.read.collecting import Collecting
from engine.app.postmortem.read.market import read_market, read_parquet
from engine.app.postmortem.story import Story, tell_story
from engine.errors import Misconfigured, StoreFailed
from engine.flow.journal.values import render
from engine.model.journal import Asked, Began, Ended, Read
from engine.model.market import Trade
from engine.store.session import Player, read_session
from engine.store.session.orders import append_orders
from engine.store.tape import open_tape
from tests.app.postmortem import made

MINUTE_NS, OPEN_NS = made.MINUTE_NS, made.OPEN_NS
END_NS = OPEN_NS + 40 * MINUTE_NS


def day(folder: Path, **changes: Any) -> Path:
    """Forty minutes of two symbols, one trade that won and one that is open."""
    tickets = [
        made.filled(1, "AAA", "10", "100.00", OPEN_NS + 5 * MINUTE_NS, fee="0.10"),
        made.filled(2, "AAA", "-10", "101.00", OPEN_NS + 15 * MINUTE_NS, fee="0.10"),
        made.filled(3, "BBB", "-4", "150.00", OPEN_NS + 20 * MINUTE_NS),
    ]
    told: dict[str, Any] = {
        "market": made.make_market(("AAA", "BBB"), 40, 24),
        "records": [*made.a_bad_line(OPEN_NS + 10 * MINUTE_NS), *made.a_run(END_NS, decisions=3)],
        "tickets": tickets,
        "end_ns": END_NS,
    }
    return made.write_session(folder, **{**told, **changes})


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return tell_story(day(tmp_path_factory.mktemp("story") / "day"))


def test_profit_is_cash_and_what_is_held_at_the_markets_price(story: Story) -> None:
    last = story.told["BBB"].marks.at(END_NS)
    assert last is not None
    assert story.figures.profit == pytest.approx(10.0 - 0.2 + 4 * (150.0 - last))
    assert story.equity[0] == story.capital
    assert story.by_strategy["trend"].profit == pytest.approx(story.figures.profit)
    assert (story.figures.trades, story.figures.open_trades, story.figures.hit_rate) == (1, 1, 1.0)
    assert story.figures.traded == pytest.approx(1000 + 1010 + 600)
    assert story.figures.fees == pytest.approx(0.2)
    assert story.figures.exposure == pytest.approx(30 / 40)
    assert (story.grid.period, story.figures.returns) == ("minute", 40)


def test_what_a_person_should_look_at_comes_first(story: Story) -> None:
    texts = [one.text for one in story.findings]
    assert any("1 position was open at the end: trend BBB" in text for text in texts)
    assert any("1 gap told and left open: 1 history lags" in text for text in texts)
    assert any("407 slow client" in text for text in texts)
    assert any("not recorded" in text for text in texts)
    assert [one.weight for one in story.findings] == sorted(
        (one.weight for one in story.findings), key=["bad", "warning", "note"].index
    )


def test_the_timeline_says_when_the_line_was_down(story: Story) -> None:
    (line,) = [lane for lane in story.timeline.lanes if lane.kind == "line"]
    assert [one.state for one in line.stretches] == ["up", "down", "repair", "up"]
    assert line.stretches[-1].end_ns == END_NS
    down = line.stretches[1]
    assert (down.start_ns, down.end_ns) == (OPEN_NS + 10 * MINUTE_NS, OPEN_NS + 10 * MINUTE_NS + 40 * made.NS)
    (gaps,) = [lane for lane in story.timeline.lanes if lane.kind == "gaps"]
    assert "quotes:AAA" in gaps.stretches[0].text
    assert {one.what for one in story.timeline.happenings} >= {"lost", "resumed", "gap", "alarm", "connected"}


def test_fill_quality_is_against_the_quotes_of_the_session(story: Story) -> None:
    first = story.filled[0]
    book = story.told["AAA"].book.at(first.decided_ns)
    assert book is not None
    assert first.against == pytest.approx(sum(book) / 2)
    assert first.slippage == pytest.approx(10 * (100.0 - sum(book) / 2))


def test_parquet_and_the_journal_tell_the_same(tmp_path: Path) -> None:
    whole = tell_story(day(tmp_path / "whole"))
    died = tell_story(day(tmp_path / "died", crashed=True))
    assert read_session(tmp_path / "whole").compacted
    assert not read_session(tmp_path / "died").compacted
    assert died.market.streams == whole.market.streams
    assert died.market.lags == whole.market.lags
    for symbol in ("AAA", "BBB"):
        ours, theirs = whole.told[symbol], died.market.told(symbol)
        assert list(ours.marks.at_ns) == list(theirs.marks.at_ns)
        assert list(ours.marks.values) == list(theirs.marks.values)
        assert list(ours.book.bids) == list(theirs.book.bids)


@pytest.mark.parametrize("crashed", [False, True])
def test_prices_that_are_kept_are_bounded(tmp_path: Path, crashed: bool) -> None:
    folder = made.write_session(tmp_path / "s", market=made.make_market(("AAA",), 10, 100), tickets=(), crashed=crashed)
    session = read_session(folder)
    few, all_of = Collecting(kept_max=300), read_market(session, None).found
    if crashed:
        few.take_events(session.told())
    else:
        for path in session.parquet_files():
            read_parquet(few, path)
    assert few.thinned
    assert few.streams == all_of.streams
    rough, exact = few.told("AAA").marks, all_of.told("AAA").marks
    assert 50 < len(rough) <= 300 < len(exact) + len(all_of.told("AAA").book.bids)
    assert set(rough.values) <= set(exact.values)
    assert rough.at_ns[-1] == exact.at_ns[-1]


@pytest.mark.parametrize("crashed", [False, True])
def test_prices_that_are_no_numbers_are_passed_over(tmp_path: Path, crashed: bool) -> None:
    events = [one for each in made.make_market(("AAA",), 2, 60) for one in each]
    broken = [
        replace(one, price=math.nan) if isinstance(one, Trade) and place % 2 else one
        for place, one in enumerate(events)
    ]
    story = tell_story(made.write_session(tmp_path / "s", market=[broken], tickets=(), crashed=crashed))
    assert sum(one.events for one in story.market.streams.values()) == len(events)
    assert all(map(math.isfinite, story.told["AAA"].marks.values))
    assert len(story.told["AAA"].marks) > 3
    assert "NaN" not in build_page(story).partition("</style>")[2].partition("application/json")[2].partition("<")[0]


def test_a_crashed_session_is_told_as_far_as_it_goes(tmp_path: Path) -> None:
    ticket = made.filled(1, "AAA", "10", "100.00", OPEN_NS + 5 * MINUTE_NS)
    seen = Read(0, OPEN_NS + 6 * MINUTE_NS, "trend", f"order:{ticket.client_order_id}", render(ticket))
    folder = day(tmp_path / "died", crashed=True, records=[Began(0, OPEN_NS, "trend", 1), seen])
    with (folder / "market.journal").open("ab") as file:
        file.write(b"torn")
    story = tell_story(folder)
    assert story.tickets == (ticket,)
    assert story.tickets_from == "journal"
    texts = " ".join(one.text for one in story.findings)
    assert "did not end in order" in texts
    assert "4 bytes at the end of market.journal are torn" in texts
    assert "as strategies saw them last" in texts
    assert story.end_ns > OPEN_NS + 39 * MINUTE_NS


def test_a_session_of_watchers_has_no_equity_and_prices_all_the_same(tmp_path: Path) -> None:
    watching = made.manifest_of(strategies=(Player(name="watch"),))
    story = tell_story(day(tmp_path / "w", tickets=(), manifest=watching))
    assert not story.curve.profits
    assert sorted(story.told) == ["AAA", "BBB"]
    assert story.figures.trades == 0


def test_a_session_without_any_event(tmp_path: Path) -> None:
    story = tell_story(made.write_session(tmp_path / "none", end_ns=OPEN_NS))
    assert story.figures.profit == 0
    assert story.figures.sharpe is None
    assert not story.market.streams


def test_a_folder_that_is_no_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"no manifest\.json"):
        tell_story(tmp_path)
    with pytest.raises(Misconfigured, match=r"no manifest\.json"):
        tell_story(tmp_path / "nowhere")


def test_figures_of_the_end_that_are_damaged_are_named(tmp_path: Path) -> None:
    folder = day(tmp_path / "day")
    (folder / "report.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreFailed, match=r"report\.json cannot be read"):
        tell_story(folder)
    (folder / "report.json").write_text('{"format": 99}', encoding="utf-8")
    assert not tell_story(folder).closing


def test_what_was_held_before_counts_from_the_beginning(tmp_path: Path) -> None:
    positions = [{"strategy": "trend", "symbol": "BBB", "qty": "3"}, {"strategy": "", "symbol": "AAA", "qty": "9"}]
    closing = {
        "account": {"positions": positions, "killed": "too much was lost"},
        "equity": "50000.00",
        "equity_at_ns": OPEN_NS,
        "ended_by": "for",
        "conservation": {"holds": False},
        "error": "the venue refused the keys",
    }
    story = tell_story(day(tmp_path / "day", closing=closing))
    (carried,) = [trip for trip in story.trips if trip.carried]
    start = story.told["BBB"].marks.around(OPEN_NS)
    assert (carried.symbol, carried.qty, carried.entry) == ("BBB", 7.0, start)
    assert story.capital == 50_000
    assert sum(trip.profit for trip in story.trips) == pytest.approx(story.figures.profit)
    bad = " ".join(one.text for one in story.findings if one.weight == "bad")
    assert "too much was lost" in bad
    assert "do not balance" in bad
    assert "the venue refused the keys" in bad


def test_orders_of_an_older_session_are_no_orders_of_this_one(tmp_path: Path) -> None:
    old = made.filled(9, "AAA", "3", "90.00", OPEN_NS - 5000 * MINUTE_NS)
    folder = day(tmp_path / "day", tickets=[old, made.filled(1, "AAA", "-3", "100.00", OPEN_NS + 5 * MINUTE_NS)])
    story = tell_story(folder)
    assert [ticket.client_order_id for ticket in story.tickets] == ["trend-1"]
    (trip,) = story.trips
    assert trip.carried
    assert trip.profit == pytest.approx(3 * (100.0 - trip.entry))


def test_several_strategies_are_told_apart(tmp_path: Path) -> None:
    tickets = [
        made.filled(1, "AAA", "10", "100.00", OPEN_NS + MINUTE_NS, strategy="one"),
        made.filled(2, "AAA", "-10", "99.00", OPEN_NS + 2 * MINUTE_NS, strategy="one"),
        made.filled(1, "AAA", "10", "99.00", OPEN_NS + MINUTE_NS, strategy="two"),
        made.filled(2, "AAA", "-10", "102.00", OPEN_NS + 2 * MINUTE_NS, strategy="two"),
    ]
    story = tell_story(day(tmp_path / "day", tickets=tickets, manifest=made.manifest_of(names=("one", "two", "idle"))))
    assert {name: one.profit for name, one in story.by_strategy.items()} == {"one": -10.0, "two": 30.0, "idle": 0.0}
    assert story.figures.profit == pytest.approx(20.0)
    assert story.figures.hit_rate == 0.5
    assert story.figures.profit_factor == pytest.approx(3.0)


def test_a_failure_and_a_restart_are_seen(tmp_path: Path) -> None:
    records = [
        Began(0, OPEN_NS, "trend", 1),
        Asked(0, OPEN_NS, "trend", 1, "buy"),
        Ended(0, OPEN_NS + MINUTE_NS, "trend", "failed", "ValueError: no"),
        Began(0, OPEN_NS + 2 * MINUTE_NS, "trend", 2),
        Ended(0, END_NS, "trend", "finished"),
    ]
    story = tell_story(day(tmp_path / "day", records=records))
    assert "trend failed once, the last time: ValueError: no" in [one.text for one in story.findings]
    (lane,) = [one for one in story.timeline.lanes if one.kind == "strategy"]
    assert [one.state for one in lane.stretches] == ["failed", "up"]
    assert {"failed", "restart"} <= {one.what for one in story.timeline.happenings}


def test_what_fell_below_nothing_and_recovered_is_measured_to_the_end(tmp_path: Path) -> None:
    prices = (("10", "100"), ("-10", "50"), ("10", "20"), ("-10", "90"))  # five hundred lost, and seven hundred won
    tickets = [
        made.filled(number, "AAA", qty, price, OPEN_NS + (5 + number) * MINUTE_NS)
        for number, (qty, price) in enumerate(prices)
    ]
    story = tell_story(day(tmp_path / "day", tickets=tickets), capital=100.0)
    assert min(story.equity) < 0
    assert (story.figures.profit, story.figures.total_return) == (pytest.approx(200.0), pytest.approx(2.0))


def test_a_crashed_session_without_orders_is_known_to_have_none(tmp_path: Path) -> None:
    folder = day(tmp_path / "died", crashed=True, records=made.a_run(END_NS))
    assert tell_story(folder).orders_lost
    append_orders(folder, ())  # as a recording does from its beginning
    assert not tell_story(folder).orders_lost


def test_capital_can_be_given(tmp_path: Path) -> None:
    folder = day(tmp_path / "day")
    small, large = tell_story(folder, capital=1000.0), tell_story(folder, capital=10_000.0)
    assert small.figures.profit == pytest.approx(large.figures.profit)
    assert small.figures.total_return == pytest.approx(10 * (large.figures.total_return or 0))


@pytest.fixture
def replayed(tmp_path: Path) -> Callable[..., Path]:
    """The folder of a replay of a tape of two hours, and the tape beside it."""

    def write(*, price: float = 100.0) -> Path:
        rows = [
            {"symbol": "SPY", "ts_ns": OPEN_NS + minute * MINUTE_NS, "open": price, "high": price + 1, "low": price,
             "close": price + minute % 5, "volume": 100.0}
            for minute in range(60)
        ]  # fmt: skip
        tape = tmp_path / "spy.parquet"
        parquet.write_table(pa.Table.from_pylist(rows), tape)
        settings = {"tapes": ["spy.parquet"], "digest": open_tape([tape]).digest, "cash": 5000}
        ticket = made.filled(1, "SPY", "5", "100.00", OPEN_NS + 10 * MINUTE_NS)
        return made.write_session(
            tmp_path / "replay",
            records=made.a_run(OPEN_NS + 60 * MINUTE_NS),
            tickets=[ticket],
            manifest=made.manifest_of(venue="replay", settings=settings),
            end_ns=OPEN_NS + 60 * MINUTE_NS,
        )

    return write


def test_a_replay_takes_its_prices_from_its_tape(replayed: Callable[..., Path]) -> None:
    story = tell_story(replayed())
    assert story.told["SPY"].marked_by == "bars"
    assert story.figures.profit == pytest.approx(5 * 4.0)
    assert (story.capital, story.remarks) == (5000, ())


def test_a_tape_that_is_not_there_or_another_one_is_said(replayed: Callable[..., Path]) -> None:
    folder = replayed()
    tape = folder.parent / "spy.parquet"
    table = parquet.read_table(tape)
    parquet.write_table(table.slice(1), tape)
    story = tell_story(folder)
    assert "is not what was replayed" in story.remarks[0]
    assert story.told["SPY"].marked_by == "fills"
    with pytest.raises(Misconfigured, match="is not what was replayed"):
        tell_story(folder, tapes=[tape])
    tape.unlink()
    assert "Name them with --tape" in tell_story(folder).remarks[0]


def test_an_order_that_nobody_knows_of_is_bad(tmp_path: Path) -> None:
    from engine.model.intent import Outcome

    lost = evolve(made.filled(1, "AAA", "1", "100", OPEN_NS), order=None, fills=(), outcome=Outcome.UNKNOWN)
    refused = evolve(
        made.filled(2, "AAA", "1", "100", OPEN_NS), order=None, fills=(), outcome=Outcome.REFUSED, reason="no money"
    )
    story = tell_story(day(tmp_path / "day", tickets=[lost, refused]))
    weights = {one.text: one.weight for one in story.findings}
    assert weights["Nobody knows what became of 1 order: trend AAA (trend-1). Ask the broker."] == "bad"
    assert weights["1 order came to nothing; the table of orders says why."] == "note"
