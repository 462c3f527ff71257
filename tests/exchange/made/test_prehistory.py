"""The year before a made market is daily bars that lead up to its first price, the same in every run."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice, pairwise

import pytest

from engine.core.bars import DAY_NS, day_start_ns
from engine.core.calendar import new_york, trading_day
from engine.exchange.generator import Generator
from engine.exchange.made.prehistory import SPLIT_RATE, PreHistory, start_prices
from engine.model.instant import parse_instant
from engine.model.market import Bar, Trade

START = parse_instant("2026-03-02T14:30:00Z")
PRICES = {"AAPL": 230.0, "MSFT": 420.0, "BTC/USD": 64_000.0, "PENNY": 0.42}
SPLIT = frozenset({"split"})
ALL = frozenset({"split", "dividend", "spin-off"})


@pytest.fixture
def before() -> PreHistory:
    return PreHistory(PRICES, START)


def day_of(bar: Bar) -> datetime:
    return new_york(bar.ts_ns)


@pytest.mark.parametrize("symbol", PRICES)
def test_the_days_lead_up_to_the_first_price_without_a_jump(before: PreHistory, symbol: str) -> None:
    days = before.bars(symbol, ALL)
    assert days[-1].close == pytest.approx(PRICES[symbol], rel=0.05)
    for one, two in pairwise(days):
        assert one.ts_ns < two.ts_ns
        assert two.open == pytest.approx(one.close, rel=0.08)
        assert two.close == pytest.approx(one.close, rel=0.15)
    for bar in days:
        assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.low <= bar.vwap <= bar.high
        assert bar.volume > 0 and bar.trade_count > 0


def test_stocks_have_trading_days_and_crypto_has_all(before: PreHistory) -> None:
    stocks = [day_of(bar) for bar in before.bars("MSFT")]
    assert all((day.hour, day.minute) == (0, 0) and trading_day(day.date()) is not None for day in stocks)
    assert stocks[-1].date().isoformat() == "2026-02-27"
    assert 248 <= len(stocks) <= 253
    crypto = before.bars("BTC/USD")
    assert len(crypto) == 365
    assert {bar.ts_ns % DAY_NS for bar in crypto} == {0}
    assert crypto[-1].ts_ns == day_start_ns("BTC/USD", START) - DAY_NS


def test_the_last_close_is_known_without_the_rest_of_the_year(before: PreHistory) -> None:
    assert before.closes() == {symbol: Decimal(repr(before.bars(symbol)[-1].close)) for symbol in PRICES}
    assert PreHistory({"ZZZ": 0.0}, START).closes() == {}


def test_they_follow_from_the_symbol_and_the_start_alone(before: PreHistory) -> None:
    assert PreHistory(PRICES, START + 1).bars("MSFT") == before.bars("MSFT")
    assert PreHistory(PRICES, START + DAY_NS).bars("MSFT") != before.bars("MSFT")
    assert before.bars("ZZZ") == []


def test_one_stock_had_a_split_and_raw_prices_before_it_are_higher(before: PreHistory) -> None:
    split, dividend = before.actions
    assert (split.symbol, split.split, dividend.symbol, dividend.split) == ("AAPL", True, "AAPL", False)
    for raw, adjusted in zip(before.bars("AAPL"), before.bars("AAPL", SPLIT), strict=True):
        earlier = day_of(raw).date() < split.ex_date
        rate = SPLIT_RATE if earlier else 1
        assert raw.close == pytest.approx(adjusted.close * rate)
        assert raw.volume == pytest.approx(adjusted.volume / rate, abs=1)
    assert before.bars("MSFT", ALL) == before.bars("MSFT")


def test_a_dividend_lowers_what_was_before_it_by_its_share(before: PreHistory) -> None:
    dividend = before.actions[1]
    raw, paid = before.bars("AAPL", SPLIT), before.bars("AAPL", ALL)
    last = max((bar for bar in raw if day_of(bar).date() < dividend.ex_date), key=lambda bar: bar.ts_ns)
    for one, two in zip(raw, paid, strict=True):
        share = 1 - dividend.rate / last.close if one.ts_ns <= last.ts_ns else 1
        assert two.close == pytest.approx(one.close * share, abs=1e-3)
        assert two.volume == one.volume


def test_actions_are_past_on_trading_days_and_a_market_of_crypto_has_none(before: PreHistory) -> None:
    today = datetime.fromtimestamp(START / 1e9, UTC).date()
    for action in before.actions:
        assert today - timedelta(days=365) < action.ex_date <= action.process_date < today
        assert trading_day(action.ex_date) is not None
    assert PreHistory({"BTC/USD": 1.0}, START).actions == ()


@pytest.mark.parametrize("symbol", ["AAPL", "ZZZ", "BTC/USD", "XYZ/USD"])
@pytest.mark.parametrize("seed", [1, 7])
def test_start_prices_are_those_at_which_the_generator_begins(symbol: str, seed: int) -> None:
    price = start_prices([symbol], seed)[symbol]
    made = Generator(seed, START, (symbol,), 100.0).rows()
    first = next(event for _, event in islice(made, 500) if isinstance(event, Trade))
    assert first.price == pytest.approx(price, rel=0.02)
