"""The made-up market is the same for a seed, ordered, as fast as asked, and looks like a venue's."""

import subprocess
import sys
from collections import Counter, defaultdict
from itertools import islice, pairwise, takewhile
from pathlib import Path

import pytest

from engine.errors import Misconfigured
from engine.exchange.generator import Generator
from engine.exchange.made.moments import Moment, State
from engine.exchange.market import Row
from engine.exchange.past import Past
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.market import Bar, Book, Correction, Kind, Quote, Status, Trade

START = parse_instant("2026-03-02T14:29:30Z")
OPEN = START + 30 * NS_PER_S
PLAN = (
    Moment("AAPL", OPEN + 600 * NS_PER_S, 20.0, State.PAUSE),
    Moment("SPY", OPEN + 900 * NS_PER_S, 20.0, State.HALT),
)
ROOT = Path(__file__).parents[2]
DIGEST = f"""
from hashlib import sha256
from itertools import islice
from engine.exchange.generator import Generator
print(sha256(repr(list(islice(Generator(5, {START}).rows(), 3000))).encode()).hexdigest())
"""


def seconds(generator: Generator, wanted: int) -> list[Row]:
    end_ns = generator.start_ns + wanted * NS_PER_S
    return list(takewhile(lambda row: row[0] < end_ns, generator.rows()))


@pytest.fixture(scope="module")
def hour() -> list[Row]:
    return seconds(Generator(7, START, plan=PLAN), 1800)


def test_one_seed_gives_one_market_and_another_seed_another() -> None:
    first, again, other = (list(islice(Generator(seed, START).rows(), 5000)) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.slow
def test_one_seed_gives_one_market_in_every_process() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            cwd=ROOT,
            env={"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(told) == 1


def test_another_symbol_leaves_the_others_as_they_are() -> None:
    few = [event for _, event in seconds(Generator(1, START, ("AAPL",), 50), 20)]
    many = [event for _, event in seconds(Generator(1, START, ("AAPL", "XYZ"), 100), 20)]
    assert few == [event for event in many if event.symbol == "AAPL"]


def test_without_bursts_the_rate_is_exact_and_even() -> None:
    rows = seconds(Generator(1, START, events_per_s=5000, burst=False), 3)
    told = [due_ns for due_ns, event in rows if event.kind in (Kind.TRADES, Kind.QUOTES, Kind.BOOKS)]
    assert len(told) == 15_000
    assert {b - a for a, b in pairwise(told)} == {200_000}
    assert {event.kind for _, event in rows} <= {Kind.TRADES, Kind.QUOTES, Kind.BOOKS, Kind.BARS, Kind.DAILY_BARS}


def test_with_bursts_seconds_differ_by_far(hour: list[Row]) -> None:
    told = Counter((due_ns - START) // NS_PER_S for due_ns, _ in hour)
    assert max(told.values()) > 1500
    assert sorted(told.values())[180] < 100


@pytest.mark.slow
def test_a_whole_day_has_the_mean_asked_for_news_and_interruptions_and_leads_to_the_next() -> None:
    rows = seconds(Generator(3, OPEN, ("AAPL", "MSFT", "NVDA", "SPY", "TSLA"), 10.0), 24 * 3600)
    day = [event for due_ns, event in rows if due_ns < OPEN + 23_400 * NS_PER_S]
    told = Counter(event.kind for event in day)
    assert (told[Kind.TRADES] + told[Kind.QUOTES]) / 23_400 == pytest.approx(10, rel=0.1)
    halted = {event.symbol for event in day if isinstance(event, Status) and event.status_code in "H2"}
    busiest = Counter((event.symbol, event.ts_ns // NS_PER_S) for event in day)
    assert (
        halted == {"AAPL", "MSFT", "NVDA", "SPY", "TSLA"} == {symbol for (symbol, _), n in busiest.items() if n > 750}
    )
    assert max(busiest.values()) > 1000
    assert rows[-1][0] > OPEN + 23 * 3600 * NS_PER_S


def test_publication_never_goes_back_and_only_late_trades_and_bars_are_older_than_it(hour: list[Row]) -> None:
    dues = [due_ns for due_ns, _ in hour]
    assert dues == sorted(dues)
    for due_ns, event in hour:
        assert event.ts_ns <= due_ns
        if not isinstance(event, Trade | Bar):
            assert event.ts_ns == due_ns
    late = [due_ns - event.ts_ns for due_ns, event in hour if isinstance(event, Trade) and due_ns != event.ts_ns]
    assert late
    assert max(late) <= 8 * NS_PER_S


def test_trade_ids_are_one_sequence_per_symbol_exchange_and_day(hour: list[Row]) -> None:
    told: dict[tuple[str, str], list[int]] = defaultdict(list)
    for _, event in hour:
        if isinstance(event, Trade):
            told[event.symbol, event.exchange].append(event.id or 0)
        elif isinstance(event, Correction):
            told[event.symbol, event.exchange].append(event.corrected_id)
    for (symbol, _), ids in told.items():
        first = 3_000_000_000_000_000_001 if "/" in symbol else 1
        assert set(ids) <= set(range(first, first + len(ids) + 5))
        assert len(ids) == len(set(ids))


def test_quotes_stand_around_the_price_and_are_not_crossed(hour: list[Row]) -> None:
    quotes = [event for _, event in hour if isinstance(event, Quote)]
    assert all(0 < quote.bid_price < quote.ask_price < quote.bid_price * 1.01 for quote in quotes)
    assert all(quote.bid_size > 0 and quote.ask_size > 0 for quote in quotes)


def test_halts_are_silent_and_end_with_a_resumption(hour: list[Row]) -> None:
    halted: dict[str, bool] = {}
    halts = 0
    for _, event in hour:
        if isinstance(event, Status):
            halted[event.symbol] = event.status_code in ("H", "2")
            halts += halted[event.symbol]
        elif isinstance(event, Quote):
            assert not halted.get(event.symbol)
    assert halts == len(PLAN)
    assert not any(halted.values())


def test_corrections_and_cancels_are_of_trades_that_were_told(hour: list[Row]) -> None:
    past = Past(10**7)
    past.add(event for _, event in hour)
    revised = Counter(
        row.revision
        for symbol in past.symbols(Kind.TRADES)
        for row in past.series(Kind.TRADES, symbol).rows
        if isinstance(row, Trade)
    )
    corrections = sum(event.kind is Kind.CORRECTIONS for _, event in hour)
    assert revised["incorrect"] == revised["corrected"] == corrections > 0
    assert revised["canceled"] == sum(event.kind is Kind.CANCELS for _, event in hour) > 0


def test_bars_come_after_their_minute_and_are_told_again_at_half_a_minute(hour: list[Row]) -> None:
    bars = [(due_ns, event) for due_ns, event in hour if event.kind is Kind.BARS]
    assert all(due_ns - event.ts_ns == 60 * NS_PER_S + 50_000_000 for due_ns, event in bars)
    again = [(due_ns, event) for due_ns, event in hour if event.kind is Kind.UPDATED_BARS]
    assert again
    assert all(due_ns - event.ts_ns == 90 * NS_PER_S + 50_000_000 for due_ns, event in again)
    assert {event.symbol for _, event in hour if event.kind is Kind.DAILY_BARS} == {event.symbol for _, event in bars}


def test_the_first_of_each_book_is_whole(hour: list[Row]) -> None:
    seen: set[str] = set()
    for _, event in hour:
        if isinstance(event, Book):
            assert event.reset is (event.symbol not in seen)
            seen.add(event.symbol)
    assert seen == {"BTC/USD", "ETH/USD"}


def test_the_opening_is_a_cross_behind_a_price_band_and_a_quote(hour: list[Row]) -> None:
    opening = [event for due_ns, event in hour if due_ns == OPEN and event.symbol == "SPY"]
    kinds = [event.kind for event in opening]
    assert kinds == [Kind.STATUSES, Kind.LULDS, Kind.QUOTES, Kind.TRADES, Kind.TRADES]
    assert [event.conditions for event in opening if isinstance(event, Trade)] == [("@", "O", "X"), ("@", "Q")]


def test_a_night_of_stocks_takes_no_rows() -> None:
    friday = parse_instant("2026-03-07T01:00:01Z")  # after the post-market
    assert next(Generator(1, friday, ("AAPL",)).rows())[0] == parse_instant("2026-03-09T08:00:00Z")


def test_what_cannot_happen_on_a_day_is_refused_when_the_day_is_reached() -> None:
    at_night = Moment("AAPL", START + 12 * 3600 * NS_PER_S, 5.0, State.NEWS)
    with pytest.raises(ValueError, match="cannot happen"):
        next(Generator(1, START, ("AAPL",), plan=(at_night,)).rows())


@pytest.mark.parametrize(("symbols", "rate"), [((), 200.0), (("A",), 0.0), (("A",), 1e9)])
def test_what_cannot_be_made_is_refused_with_a_sentence(symbols: tuple[str, ...], rate: float) -> None:
    with pytest.raises(Misconfigured, match="were asked for"):
        Generator(1, START, symbols, rate)
