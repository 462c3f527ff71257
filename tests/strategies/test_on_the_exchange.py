"""Law: on the exchange each strategy trades, ends flat, and keeps away when it says that it must not trade."""

from typing import Any

import pytest

from engine import Status, Strategy
from engine.model.order import Order, OrderClass, OrderType, Side, TimeInForce
from engine.testing.session import SessionResult
from engine.testing.simulated import SimulatedExchange
from strategies.crypto_momentum import crypto_momentum
from strategies.mean_reversion import mean_reversion
from strategies.news_halt_guard import news_halt_guard
from strategies.opening_range_breakout import opening_range_breakout

pytestmark = pytest.mark.slow

MINUTE_NS = 60 * 10**9


async def trade(exchange: SimulatedExchange, strategy: Strategy, params: dict[str, Any], for_s: float) -> SessionResult:
    """Run it, and see that it leaves nothing behind."""
    result = await exchange.run(strategy, params, for_s=for_s)
    assert not result.failures
    assert not result.alarms
    assert not exchange.running.brokerage.open_orders()
    assert not exchange.running.brokerage.books.positions()
    return result


def orders_of(exchange: SimulatedExchange) -> list[Order]:
    """Every order the exchange was given, oldest first."""
    return sorted(exchange.running.brokerage.books.orders(), key=lambda order: (order.submitted_ns, order.id))


@pytest.mark.exchange(symbols="SPY", events_per_s=1, seed=3)
async def test_mean_reversion_enters_with_limits_and_ends_its_trades(exchange: SimulatedExchange) -> None:
    params = {"window": 4, "entry": 0.8, "exit": 0.2, "hold_s": 300.0}
    await trade(exchange, mean_reversion, params, for_s=1500)
    orders = orders_of(exchange)
    assert any(order.side is Side.SELL and order.filled_qty for order in orders)
    assert all(order.type is OrderType.LIMIT for order in orders if order.side is Side.BUY)


@pytest.mark.exchange(symbols="SPY", events_per_s=1, seed=3)
async def test_a_break_out_is_one_bracket_a_day(exchange: SimulatedExchange) -> None:
    await trade(exchange, opening_range_breakout, {"minutes": 3, "reward": 1.0}, for_s=1200)
    orders = orders_of(exchange)
    (entry,) = [order for order in orders if order.side is Side.BUY]
    assert entry.order_class is OrderClass.BRACKET
    assert entry.filled_qty == 10
    assert {order.id for order in orders if order.parent_id == entry.id} == set(entry.legs)


@pytest.mark.exchange(symbols="BTC/USD", events_per_s=1, seed=3)
async def test_crypto_momentum_rests_its_stop_at_the_venue(exchange: SimulatedExchange) -> None:
    await trade(exchange, crypto_momentum, {"fast": 2, "slow": 4, "atr": 3}, for_s=1500)
    orders = orders_of(exchange)
    entries = [order for order in orders if order.side is Side.BUY]
    stops = [order for order in orders if order.type is OrderType.STOP_LIMIT]
    assert entries
    assert stops
    assert all((order.type, order.time_in_force) == (OrderType.LIMIT, TimeInForce.IOC) for order in entries)
    assert all(order.time_in_force is TimeInForce.GTC and order.side is Side.SELL for order in stops)


@pytest.mark.exchange(symbols="SPY", events_per_s=1, seed=18)  # halted at 9:35:34, trading again at 9:40:36
async def test_the_guard_sends_nothing_during_a_halt_and_lets_go_after_it(exchange: SimulatedExchange) -> None:
    result = await trade(exchange, news_halt_guard, {"symbols": ("SPY",), "cool_down_s": 120.0}, for_s=900)
    statuses = [each for each in exchange.published("statuses", "SPY") if isinstance(each, Status)]
    halt_ns = next(each.ts_ns for each in statuses if each.status_code == "2")
    resume_ns = next(each.ts_ns for each in statuses if each.status_code == "3" and each.ts_ns > halt_ns)
    assert any("halted" in line for line in result.said)
    sent = [(order.side, order.submitted_ns) for order in orders_of(exchange)]
    assert not [ts_ns for _, ts_ns in sent if halt_ns < ts_ns < resume_ns]
    first, left, again = sent[:3]
    assert (first[0], left[0], again[0]) == (Side.BUY, Side.SELL, Side.BUY)
    assert first[1] < halt_ns
    assert resume_ns <= left[1] < resume_ns + MINUTE_NS
    assert again[1] >= resume_ns + 120 * 10**9


@pytest.mark.exchange(symbols="SPY", events_per_s=1, seed=18)  # an article of 9:30:57 calls SPY active
async def test_the_guard_lets_go_on_a_bad_headline_and_comes_back(exchange: SimulatedExchange) -> None:
    params = {"symbols": ("SPY",), "cool_down_s": 60.0, "words": ("active",)}
    result = await trade(exchange, news_halt_guard, params, for_s=200)
    (article,) = exchange.published("news", "")
    assert "in the news" in result.said[0]
    bought, sold, again = [(order.side, order.submitted_ns) for order in orders_of(exchange)][:3]
    assert (bought[0], sold[0], again[0]) == (Side.BUY, Side.SELL, Side.BUY)
    assert bought[1] < article.ts_ns <= sold[1] < article.ts_ns + 2 * 10**9
    assert again[1] >= article.ts_ns + 60 * 10**9
