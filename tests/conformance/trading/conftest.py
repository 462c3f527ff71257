"""A trader at an exchange, for the tests about orders and the account.

One exchange serves them all: each test begins with a flat account and no open orders, which `desk` sees to.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar

import pytest
from alpaca.trading.client import TradingClient
from alpaca.trading.models import Order, TradeUpdate
from alpaca.trading.requests import OrderRequest
from alpaca.trading.stream import TradingStream
from attrs import evolve, frozen

from engine.exchange.line.limits import LineOptions
from engine.exchange.tiers import PLUS
from engine.exchange.trading.brokerage import Brokerage
from engine.model.order import Order as HeldOrder
from engine.testing.exchange import Exchange
from engine.testing.live import open_live
from engine.testing.options import build_options

T = TypeVar("T")

NOON: Final = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
SEED: Final = 3
"""Monday noon in New York, and a seed with which nothing interrupts a stock for the rest of that day."""
SPEED: Final = 10.0
"""Prices move ten times as fast, so that what rests near the market fills within a second."""
CALLS_PER_MINUTE: Final = 100_000
"""No plan of Alpaca's has so many; all tests together would use up a thousand, and the SDK then waits three seconds."""


@frozen
class Desk:
    """A trader at an exchange: the SDK's client, what its stream told, and what the exchange itself holds."""

    exchange: Exchange
    trading: TradingClient
    told: Any
    """What the stream told so far: the `Told` of the folder above."""

    def held(self, look: Callable[[Brokerage], T]) -> T:
        """Something of the exchange's own books."""
        return self.exchange._ask(lambda: look(self.exchange._running.brokerage))

    def held_order(self, order_id: object) -> HeldOrder:
        """An order as the exchange holds it."""
        return self.held(lambda brokerage: brokerage.matching.orders[str(order_id)])

    def listening(self) -> bool:
        """Whether anybody is told what becomes of orders."""
        lines: Any = self.held(lambda brokerage: list(brokerage._listeners.values()))
        return any(line.live for line in lines)

    def cash(self) -> Decimal:
        """The money in the exchange's books."""
        return self.held(lambda brokerage: brokerage.matching.account().cash)

    def quote(self, symbol: str) -> tuple[float, float]:
        """The bid and the ask that were published last."""
        quote: Any = self.exchange.published("quotes", symbol)[-1]
        return quote.bid_price, quote.ask_price

    def submit(self, request: OrderRequest) -> Order:
        """Submit an order with the SDK, and compare the reply with what was asked for and what the exchange holds."""
        order = self.trading.submit_order(request)
        assert isinstance(order, Order)
        held = self.held_order(order.id)
        assert (order.symbol or "", order.type.value if order.type else "") == (held.symbol, held.type.value)
        assert (order.time_in_force.value, order.side) == (held.time_in_force.value, held.side and held.side.value)
        for name in ("qty", "notional", "limit_price", "stop_price", "trail_price", "trail_percent"):
            asked, told = getattr(request, name, None), getattr(order, name)
            if asked is not None:
                assert float(told) == float(asked) == float(getattr(held, name)), name
        return order

    def updates(self, order_id: object) -> list[TradeUpdate]:
        """What the stream told of an order."""
        return [update for update in list(self.told.rows) if update.order.id == order_id]

    def until(self, order_id: object, event: str) -> list[TradeUpdate]:
        """What the stream told of an order, once that event is among it."""
        self.told.wait(
            lambda rows: any(row.order.id == order_id and row.event == event for row in rows), f"{event} of {order_id}"
        )
        return self.updates(order_id)

    def buy(self, request: OrderRequest) -> Order:
        """Submit an order that fills, and return it filled, as REST shows it."""
        order = self.submit(request)
        self.until(order.id, "fill")
        filled = self.trading.get_order_by_id(order.id)
        assert isinstance(filled, Order)
        return filled

    def clear(self) -> None:
        """Cancel all orders and close all positions, whoever left them, and wait until the exchange has done it."""
        for _ in range(3):  # a position that was being filled while it was closed leaves a rest
            for row in self.trading.close_all_positions(cancel_orders=True):
                if row.order_id is not None:
                    self.until(row.order_id, "fill")
            if self.held(lambda brokerage: not brokerage.open_orders() and not brokerage.matching.positions()):
                return
        pytest.fail("the account does not become flat")


OpenDesk: TypeAlias = Callable[..., AbstractContextManager[Desk]]


@pytest.fixture(scope="session")
def open_desk(ear: Any, started: Any, until: Any) -> OpenDesk:
    """Opens a desk at an exchange of its own. Words are those of ``@pytest.mark.exchange``."""

    @contextmanager
    def opened(**words: Any) -> Iterator[Desk]:
        with open_live(build_options(words)) as exchange:
            trading = TradingClient("key", "secret", url_override=exchange.trading_url)
            stream = TradingStream("key", "secret", url_override=exchange.trading_stream_url + "/stream")
            desk = Desk(exchange, trading, ear())
            stream.subscribe_trade_updates(desk.told.take)
            with started(stream):
                until(desk.listening, "the trading stream")
                yield desk
                stream.stop()
                exchange.fault(
                    "cut", line="trading"
                )  # it looks whether it is to stop when a message came, or 5 s passed
            trading._session.close()

    return opened


@pytest.fixture(scope="module")
def floor(open_desk: OpenDesk) -> Iterator[Desk]:
    """The exchange that the tests of one file share.

    No longer than that: the SDK's pings draw from the global dice in a thread, and Hypothesis fails tests of its own
    in which somebody else does.
    """
    symbols = ("AAPL", "BTC/USD", "MSFT", "SPY")
    line = LineOptions(tier=evolve(PLUS, trading_per_minute=CALLS_PER_MINUTE))
    with open_desk(symbols=symbols, start=NOON, speed=SPEED, seed=SEED, line=line) as desk:
        yield desk


@pytest.fixture
def desk(floor: Desk) -> Iterator[Desk]:
    """The shared exchange with a flat account."""
    yield floor
    floor.clear()
