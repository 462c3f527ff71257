"""A venue on one trading day, told what to do in a trader's words; every update is written down as one short line."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from attrs import define, evolve, field

from engine.core.calendar import NEW_YORK, instant_of
from engine.core.matching.ledger import AccountTerms, Ledger
from engine.core.matching.models import MODELS
from engine.core.matching.venue import Matching
from engine.exchange.assets import build_assets
from engine.model.market import Quote, Status, Trade
from engine.model.order import (
    Leg,
    Order,
    OrderClass,
    OrderRequest,
    OrderType,
    OrderUpdate,
    ReplaceRequest,
    Side,
    TimeInForce,
)

DAY: Final = "2026-03-02"
"""A Monday, before the change to summer time."""
MS: Final = 1_000_000


@define
class Trader:
    """One account at one venue. ``clock`` is the time in New York on `DAY`, or with a date before it."""

    venue: Matching
    now_ns: int
    names: dict[str, str] = field(factory=dict)
    updates: list[OrderUpdate] = field(factory=list)
    calls: list[str] = field(factory=list)

    def at(self, clock: str) -> list[str]:
        """Let the time pass until then."""
        text = clock if len(clock) > 12 else f"{DAY} {clock}"
        self.now_ns = instant_of(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))
        return self.tell(self.venue.pass_time(self.now_ns))

    def after(self, milliseconds: float) -> list[str]:
        """Let some time pass."""
        self.now_ns += int(milliseconds * MS)
        return self.tell(self.venue.pass_time(self.now_ns))

    def quote(self, bid: float, ask: float, *, size: float = 1000.0, symbol: str = "AAPL") -> list[str]:
        """The market quotes; a microsecond passes."""
        self.now_ns += 1000
        return self.tell(self.venue.take(Quote(symbol, self.now_ns, bid, size, ask, size), self.now_ns))

    def trade(self, price: float, *, size: float = 1000.0, condition: str = "@", symbol: str = "AAPL") -> list[str]:
        """The market trades; a microsecond passes."""
        self.now_ns += 1000
        event = Trade(symbol, self.now_ns, price, size, conditions=(condition,))
        return self.tell(self.venue.take(event, self.now_ns))

    def status(self, code: str, *, symbol: str = "AAPL") -> list[str]:
        """The market halts or resumes."""
        self.now_ns += 1000
        return self.tell(self.venue.take(Status(symbol, self.now_ns, code), self.now_ns))

    def order(
        self,
        name: str,
        side: str,
        kind: str,
        qty: str | None = "10",
        *,
        limit: str | None = None,
        stop: str | None = None,
        trail: str | None = None,
        notional: str | None = None,
        time: str = "day",
        group: str = "",
        profit: str | None = None,
        loss: str | None = None,
        extended: bool = False,
        symbol: str = "AAPL",
        client_id: str = "",
    ) -> list[str]:
        """Send an order; its legs are called ``name.1``, ``name.2``."""
        request = OrderRequest(
            symbol=symbol,
            side=Side(side),
            type=OrderType(kind),
            time_in_force=TimeInForce(time),
            qty=_decimal(qty),
            notional=_decimal(notional),
            limit_price=_decimal(limit),
            stop_price=_decimal(stop),
            trail_price=_decimal(trail),
            extended_hours=extended,
            order_class=OrderClass(group),
            take_profit_limit=_decimal(profit),
            stop_loss_stop=_decimal(loss),
            client_order_id=client_id,
        )
        return self._send(name, request)

    def spread(
        self, name: str, legs: list[tuple[str, str, int]], limit: str | None, qty: str = "1", *, time: str = "day"
    ) -> list[str]:
        """Send a multi-leg order: symbol, side and ratio of each leg."""
        request = OrderRequest(
            symbol="",
            side=Side.BUY,
            type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            time_in_force=TimeInForce(time),
            qty=Decimal(qty),
            limit_price=_decimal(limit),
            order_class=OrderClass.MLEG,
            legs=tuple(Leg(symbol=symbol, side=Side(side), ratio_qty=Decimal(ratio)) for symbol, side, ratio in legs),
        )
        return self._send(name, request)

    def replace(self, name: str, new_name: str, **values: Any) -> list[str]:
        """Ask for another order in the place of one."""
        change = ReplaceRequest(**{key: Decimal(value) for key, value in values.items()})
        order, updates = self.venue.replace(self[name].id, change, self.now_ns)
        self._call(new_name, order)
        return self.tell(updates)

    def cancel(self, name: str, *, delay_ms: float | None = None) -> list[str]:
        """Ask for an order's end."""
        delay_ns = None if delay_ms is None else int(delay_ms * MS)
        return self.tell(self.venue.cancel(self[name].id, self.now_ns, delay_ns=delay_ns))

    def held(self, symbol: str = "AAPL") -> Decimal:
        """The position."""
        position = self.venue.position(symbol)
        return Decimal(0) if position is None else position.qty

    def __getitem__(self, name: str) -> Order:
        """An order as it is now."""
        return next(self.venue.orders[order_id] for order_id, called in self.names.items() if called == name)

    def tell(self, updates: list[OrderUpdate]) -> list[str]:
        """Updates as lines: ``name change``, and ``qty @ price`` of a fill."""
        self.updates += updates
        return [self._line(update) for update in updates]

    def _send(self, name: str, request: OrderRequest) -> list[str]:
        order, updates = self.venue.submit(request, self.now_ns)
        self._call(name, order)
        return self.tell(updates)

    def _line(self, update: OrderUpdate) -> str:
        fill = "" if update.fill is None else f" {update.fill.qty} @ {update.fill.price}"
        return f"{self.names.get(update.order.id, 'unknown')} {update.change}{fill}"

    def _call(self, name: str, order: Order) -> str:
        self.names[order.id] = name
        for number, leg_id in enumerate(order.legs, 1):
            self.names.setdefault(leg_id, f"{name}.{number}")
        return name


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@pytest.fixture
def trader() -> Callable[..., Trader]:
    """Makes a trader at ``clock`` with a fill model, by name and with what shall differ from it."""

    def build(clock: str = "09:30:00", model: str = "touch", *, cash: int = 100_000, **values: Any) -> Trader:
        text = clock if len(clock) > 12 else f"{DAY} {clock}"
        start_ns = instant_of(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))
        assets = build_assets(["AAPL", "BTC/USD"], start_ns=start_ns)
        ledger = Ledger(AccountTerms(cash=Decimal(cash)))
        venue = Matching(assets, ledger, evolve(MODELS[model], **values), 7, start_ns)
        return Trader(venue, start_ns)

    return build
