"""Whatever is asked for, filled and canceled: nothing is created or lost, and what is held is what open orders need.

A second ledger books the same fills but knows of no orders. What the two differ by is what the open orders hold.
"""

from decimal import Decimal

import pytest
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.matching.fees import ALPACA_FEES
from engine.core.matching.ledger import AccountTerms, Ledger
from engine.core.rules import Refused
from engine.exchange.assets import START_NS, build_assets
from engine.model.order import ZERO, Fill, Order, OrderStatus, OrderType, Side, TimeInForce

ASSETS = build_assets(("AAPL", "BTC/USD"), start_ns=START_NS)
SYMBOLS = ("AAPL", "PNNY", "BTC/USD", "AAPL260320C00230000", "AAPL260320P00230000")
WHOLE = {"AAPL260320C00230000", "AAPL260320P00230000"}
CUSHION = Decimal("1.03")
BILLIONTH = Decimal("1e-9")
"""A hold is rounded up to this."""


@define
class Shadow:
    """An account, the same account without orders, and what each open order should hold by itself."""

    ledger: Ledger = field(factory=lambda: Ledger(AccountTerms()))
    bare: Ledger = field(factory=lambda: Ledger(AccountTerms()))
    open: list[tuple[Order, Decimal]] = field(factory=list)
    """An order, and the dollars of margin that it holds for each unit of it."""
    closing: set[str] = field(factory=set)
    """The ids of orders that closed something when they were admitted."""
    count: int = 0

    def submit(self, symbol: str, side: Side, qty: Decimal, limit: Decimal) -> None:
        self.count += 1
        asset = ASSETS[symbol]
        order = Order(
            id=f"order-{self.count}",
            client_order_id="",
            symbol=symbol,
            asset_id=asset.id,
            asset_class=asset.asset_class,
            side=side,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.DAY,
            status=OrderStatus.NEW,
            qty=qty,
            limit_price=limit,
        )
        held = self.ledger.position(symbol)
        opens = held is None or held.qty * side.sign > 0
        account = self.ledger.account()
        unit = limit if side is Side.BUY else max(limit, limit * CUSHION)
        try:
            self.ledger.admit(order, asset, limit)
        except Refused as refused:
            assert self.ledger.account() == account
            if refused.rule == "buying_power" and asset.marginable:
                assert opens
                assert qty * unit > account.buying_power
            return
        if opens and asset.marginable:
            assert qty * unit <= account.buying_power
        if not opens:
            assert held is not None
            assert qty <= held.available_qty
            self.closing.add(order.id)
        self.open.append((order, unit if opens and asset.marginable else ZERO))

    def fill(self, index: int, share: Decimal) -> None:
        if not self.open:
            return
        order, unit = self.open.pop(index % len(self.open))
        left = order.left_qty
        qty = left if order.symbol in WHOLE else max((left * share).quantize(BILLIONTH), BILLIONTH)
        assert order.side is not None
        assert order.limit_price is not None
        asset = ASSETS[order.symbol]
        fee, fee_asset = ALPACA_FEES.fee_of(order.side, qty, order.limit_price, asset)
        fill = Fill(
            execution_id="x",
            order_id=order.id,
            symbol=order.symbol,
            side=order.side,
            qty=qty,
            price=order.limit_price,
            ts_ns=START_NS,
            fee=fee,
            fee_asset=fee_asset,
        )
        assert self.ledger.apply(fill, asset) == self.bare.apply(fill, asset)
        order = evolve(order, filled_qty=order.filled_qty + qty)
        self.end(order, unit) if order.left_qty == 0 else self.keep(order, unit)

    def cancel(self, index: int) -> None:
        if self.open:
            self.end(*self.open.pop(index % len(self.open)))

    def mark(self, symbol: str, price: Decimal) -> None:
        self.ledger.mark(symbol, price)
        self.bare.mark(symbol, price)

    def keep(self, order: Order, unit: Decimal) -> None:
        self.ledger.update(order)
        self.open.append((order, unit))

    def end(self, order: Order, _: Decimal) -> None:
        self.ledger.update(evolve(order, status=OrderStatus.CANCELED))

    def check(self) -> None:
        assert self.ledger.imbalance() == 0
        assert all(self.ledger.drift(symbol) == 0 for symbol in SYMBOLS)
        account, bare = self.ledger.account(), self.bare.account()
        powers = (account.buying_power, account.regt_buying_power, account.non_marginable_buying_power)
        assert min(powers) >= 0
        for mine, theirs in zip(self.ledger.positions(), self.bare.positions(), strict=True):
            orders = [order for order, _ in self.open if order.id in self.closing]
            promised = sum((order.left_qty for order in orders if order.symbol == mine.asset.symbol), ZERO)
            assert mine.available_qty <= theirs.available_qty
            if mine.asset.symbol not in WHOLE:
                assert mine.available_qty <= max(abs(mine.qty) - promised, ZERO)
        if {order.symbol for order, _ in self.open} <= {"AAPL"} and account.buying_power and bare.multiplier > 1:
            held = sum((unit * order.left_qty for order, unit in self.open), ZERO)
            assert abs(bare.buying_power - account.buying_power - held) <= BILLIONTH * (len(self.open) + 1)


def quantities(symbol: str) -> st.SearchStrategy[Decimal]:
    if symbol in WHOLE:
        return st.integers(1, 20).map(Decimal)
    return st.decimals(min_value="0.000000001", max_value="900", places=9)


PRICES = st.decimals(min_value="0.01", max_value="900", places=2)
ORDERS = st.sampled_from(SYMBOLS).flatmap(
    lambda symbol: st.tuples(st.just("submit"), st.just(symbol), st.sampled_from(Side), quantities(symbol), PRICES)
)
STEPS = st.one_of(
    ORDERS,
    st.tuples(st.just("fill"), st.integers(0, 9), st.decimals(min_value="0.01", max_value=1, places=3)),
    st.tuples(st.just("fill"), st.integers(0, 9), st.just(Decimal(1))),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("mark"), st.sampled_from(SYMBOLS), PRICES),
)


@settings(max_examples=120, deadline=None)
@given(steps=st.lists(STEPS, min_size=5, max_size=30))
def test_nothing_is_created_or_lost_and_holds_are_what_open_orders_need(steps: list[tuple[str, object]]) -> None:
    shadow = Shadow()
    for what, *arguments in steps:
        getattr(shadow, what)(*arguments)
        shadow.check()
    while shadow.open:
        shadow.cancel(0)
    assert shadow.ledger.account() == shadow.bare.account()
    assert shadow.ledger.positions() == shadow.bare.positions()


@pytest.mark.parametrize("parts", [1, 3, 7])
def test_a_cost_that_is_cut_in_pieces_adds_up(parts: int) -> None:
    """Thirds and sevenths do not end in decimals; what is left after all of them is nothing, exactly."""
    shadow = Shadow()
    shadow.submit("AAPL", Side.BUY, Decimal(parts), Decimal("10.01"))
    shadow.fill(0, Decimal(1))
    for _ in range(parts):
        shadow.submit("AAPL", Side.SELL, Decimal(1), Decimal("10.02"))
        shadow.fill(0, Decimal(1))
        shadow.check()
    assert shadow.ledger.positions() == ()
