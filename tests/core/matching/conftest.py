"""An account at a desk: orders and fills in a few words, and the books checked after each of them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from attrs import define, evolve, field

from engine.core.matching.ledger import AccountTerms, Ledger
from engine.exchange.assets import START_NS, build_assets
from engine.model.account import Asset, Position
from engine.model.order import Fill, Order, OrderStatus, OrderType, Side, TimeInForce

ASSETS = build_assets(("AAPL", "BTC/USD"), start_ns=START_NS)


@define
class Desk:
    """One account, and whoever trades on it."""

    ledger: Ledger = field(factory=lambda: Ledger(AccountTerms()))
    assets: Mapping[str, Asset] = ASSETS

    def order(
        self, side: Side, qty: str, limit: str = "", symbol: str = "AAPL", order_id: str = "one", **more: Any
    ) -> Order:
        """A market order, or with a limit a limit order."""
        made = Order(
            id=order_id,
            client_order_id="",
            symbol=symbol,
            asset_id="",
            asset_class=self.assets[symbol].asset_class,
            side=side,
            type=OrderType.LIMIT if limit else OrderType.MARKET,
            time_in_force=TimeInForce.DAY,
            status=OrderStatus.NEW,
            qty=Decimal(qty),
            limit_price=Decimal(limit) if limit else None,
        )
        return evolve(made, **more)

    def admit(self, order: Order, price: str = "") -> Order:
        """Have an order admitted while the market is at ``price``."""
        self.ledger.admit(order, self.assets[order.symbol], Decimal(price) if price else None)
        return order

    def fill(self, side: Side, qty: str, price: str, symbol: str = "AAPL", fee: str = "0") -> Decimal:
        """Book a fill; the position after it."""
        in_coins = symbol == "BTC/USD" and side is Side.BUY and fee != "0"
        fill = Fill(
            execution_id="x",
            order_id="one",
            symbol=symbol,
            side=side,
            qty=Decimal(qty),
            price=Decimal(price),
            ts_ns=START_NS,
            fee=Decimal(fee),
            fee_asset="BTC" if in_coins else "USD",
        )
        after = self.ledger.apply(fill, self.assets[symbol])
        assert self.ledger.imbalance() == 0
        assert self.ledger.drift(symbol) == 0
        return after

    def position(self, symbol: str = "AAPL") -> Position:
        """What is held, which must be something."""
        found = self.ledger.position(symbol)
        assert found is not None
        return found

    @property
    def power(self) -> Decimal:
        """Dollars of buying power."""
        return self.ledger.account().buying_power


@pytest.fixture
def desk() -> Desk:
    """An account with 100,000 dollars."""
    return Desk()
