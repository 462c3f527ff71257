"""Law: whatever is refused here would be refused by the exchange's ledger, and a still account hears the same words."""

from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.matching.ledger import AccountTerms, Ledger
from engine.core.risk.means import Means, check_means
from engine.core.rules import Refused
from engine.exchange.assets import START_NS, build_assets
from engine.model.account import Asset
from engine.model.order import (
    Fill,
    Order,
    OrderClass,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)

D = Decimal
ASSETS = build_assets(("AAPL", "BTC/USD"), start_ns=START_NS)
CALL = "AAPL260320C00230000"
PRICES = {"AAPL": D(200), "NSHT": D(20), "PNNY": D("0.5"), "BTC/USD": D(60_000), CALL: D(5)}
SYMBOLS = tuple(PRICES)


def request(
    symbol: str, side: Side, qty: str | Decimal, limit: str | Decimal | None = None, **more: Any
) -> OrderRequest:
    return OrderRequest(
        symbol=symbol,
        side=side,
        type=OrderType.LIMIT if limit else OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        qty=D(qty),
        limit_price=D(limit) if limit else None,
        **more,
    )


def order_of(asked: OrderRequest, order_id: str = "new") -> Order:
    return Order(
        id=order_id,
        client_order_id="",
        symbol=asked.symbol,
        asset_id="",
        asset_class=ASSETS[asked.symbol].asset_class,
        side=asked.side,
        type=asked.type,
        time_in_force=asked.time_in_force,
        status=OrderStatus.NEW,
        order_class=asked.order_class,
        qty=asked.qty,
        notional=asked.notional,
        limit_price=asked.limit_price,
        stop_price=asked.stop_price,
    )


def refused_here(asked: OrderRequest, ledger: Ledger, price: Decimal | None, *, still: bool = True) -> Refused | None:
    try:
        check_means(asked, ASSETS[asked.symbol], Means(account=ledger.account(), still=still, price=price))
    except Refused as error:
        return error
    return None


def refused_there(asked: OrderRequest, ledger: Ledger, price: Decimal | None) -> Refused | None:
    try:
        ledger.admit(order_of(asked), ASSETS[asked.symbol], price)
    except Refused as error:
        return error
    return None


SAME_WORDS: dict[str, tuple[OrderRequest, AccountTerms]] = {
    "too_dear": (request("AAPL", Side.BUY, "3000", "200"), AccountTerms()),
    "too_dear_without_margin": (request("PNNY", Side.BUY, "300000", "0.5"), AccountTerms()),
    "too_dear_short": (request("AAPL", Side.SELL, "3000", "210"), AccountTerms()),
    "too_dear_stop": (
        evolve(request("AAPL", Side.BUY, "3000"), type=OrderType.STOP, stop_price=D(210)),
        AccountTerms(),
    ),
    "too_dear_by_dollars": (evolve(request("AAPL", Side.BUY, "1"), qty=None, notional=D(500_000)), AccountTerms()),
    "too_dear_coins": (request("BTC/USD", Side.BUY, "2", "60000"), AccountTerms()),
    "too_dear_contracts": (request(CALL, Side.BUY, "300", "5"), AccountTerms()),
    "coins_that_are_not_there": (request("BTC/USD", Side.SELL, "2", "60000"), AccountTerms()),
    "not_shortable": (request("NSHT", Side.SELL, "1", "20"), AccountTerms()),
    "no_shorting": (request("AAPL", Side.SELL, "1"), AccountTerms(shorting_enabled=False)),
    "no_shorting_comes_first": (request("NSHT", Side.SELL, "1"), AccountTerms(shorting_enabled=False)),
    "too_small_for_shorting": (request("AAPL", Side.SELL, "1"), AccountTerms(cash=D(1_999))),
    "a_part_of_a_share": (request("NSHT", Side.SELL, "0.5"), AccountTerms()),
    "short_by_dollars": (evolve(request("NSHT", Side.SELL, "1"), qty=None, notional=D(5)), AccountTerms()),
}


@pytest.mark.parametrize("name", SAME_WORDS)
def test_a_still_account_is_refused_in_the_venues_words(name: str) -> None:
    asked, terms = SAME_WORDS[name]
    here = refused_here(asked, Ledger(terms), PRICES[asked.symbol])
    there = refused_there(asked, Ledger(terms), PRICES[asked.symbol])
    assert here is not None and there is not None
    assert (here.rule, here.status, here.code, here.message) == (there.rule, there.status, there.code, there.message)
    assert here.extra.items() <= there.extra.items()


def test_what_is_just_affordable_and_what_nobody_can_price_is_left_to_the_venue() -> None:
    ledger = Ledger(AccountTerms())
    assert refused_here(request("AAPL", Side.BUY, "2000", "200"), ledger, None) is None
    assert refused_here(request("AAPL", Side.BUY, "2001", "200"), ledger, None) is not None
    assert refused_here(request("AAPL", Side.BUY, "9999"), ledger, None) is None
    assert refused_here(request("AAPL", Side.BUY, "3000"), ledger, D(200)) is None  # the price may have halved
    assert refused_here(request("AAPL", Side.BUY, "4001"), ledger, D(200)) is not None
    assert refused_here(request(CALL, Side.SELL, "999"), ledger, D(5)) is None
    oco = request("NSHT", Side.SELL, "1", order_class=OrderClass.OCO)
    assert refused_here(oco, ledger, D(20)) is None


def test_an_account_that_holds_something_is_refused_only_what_nobody_would_lend() -> None:
    ledger = Ledger(AccountTerms())
    assert refused_here(request("AAPL", Side.BUY, "4000", "200"), ledger, None, still=False) is None
    assert refused_here(request("AAPL", Side.BUY, "4001", "200"), ledger, None, still=False) is not None
    small = Ledger(AccountTerms(cash=D(1_500)))  # prices can lift it to where margin and shorting begin
    assert refused_here(request("AAPL", Side.SELL, "1"), small, D(200), still=False) is None


def fill(asset: Asset, qty: Decimal, price: Decimal) -> Fill:
    side = Side.BUY if qty > 0 else Side.SELL
    return Fill(
        execution_id="x", order_id="o", symbol=asset.symbol, side=side, qty=abs(qty), price=price, ts_ns=0,
        fee=D(0), fee_asset="USD",
    )  # fmt: skip


@st.composite
def accounts(draw: st.DrawFn) -> tuple[Ledger, list[Order]]:
    """An account with positions and open orders, or without, and its open orders."""
    terms = AccountTerms(
        cash=D(draw(st.integers(500, 200_000))),
        multiplier=D(draw(st.sampled_from((1, 2, 4)))),
        shorting_enabled=draw(st.booleans()),
        options_level=draw(st.integers(0, 3)),
    )
    ledger = Ledger(terms)
    for symbol, price in PRICES.items():
        ledger.mark(symbol, price)
    working: list[Order] = []
    for number in range(draw(st.integers(0, 4))):
        symbol = draw(st.sampled_from(SYMBOLS))
        share = D(draw(st.integers(1, 150))) / 100
        qty = max(D(1), (terms.cash * share / PRICES[symbol]).quantize(D(1)))
        order = order_of(request(symbol, draw(st.sampled_from(Side)), qty, PRICES[symbol]), f"o{number}")
        try:
            ledger.admit(order, ASSETS[symbol], PRICES[symbol])
        except Refused:
            continue
        if draw(st.booleans()):
            ledger.update(evolve(order, status=OrderStatus.FILLED, filled_qty=qty))
            ledger.apply(
                fill(ASSETS[symbol], qty * order.side.sign if order.side else qty, PRICES[symbol]), ASSETS[symbol]
            )
        else:
            working.append(order)
    return ledger, working


@settings(max_examples=400, deadline=None)
@given(account=accounts(), data=st.data())
def test_whatever_is_refused_here_the_exchange_refuses(
    account: tuple[Ledger, list[Order]], data: st.DataObject
) -> None:
    """Between the telling and the order prices move by up to a half, and open orders end of which we do not hear."""
    ledger, working = account
    symbol, side = data.draw(st.sampled_from(SYMBOLS)), data.draw(st.sampled_from(Side))
    told = ledger.account()
    still = not ledger.positions() and not working
    price = PRICES[symbol] * D(data.draw(st.sampled_from(("0.5", "0.8", "1", "1.2", "1.5"))))
    worth = told.equity * D(data.draw(st.integers(1, 2_000))) / 100
    qty = max(D(1), (worth / price / ASSETS[symbol].multiplier).quantize(D(1)))
    asked = request(symbol, side, qty, data.draw(st.sampled_from((None, price))))
    if ledger.qty(symbol) * side.sign < 0 or any(o.symbol == symbol and o.side is not side for o in working):
        return  # it may close: nobody asks
    try:
        check_means(asked, ASSETS[symbol], Means(account=told, still=still, price=PRICES[symbol]))
    except Refused:
        now = {name: was * D(data.draw(st.sampled_from(("0.5", "1", "2")))) for name, was in PRICES.items()}
        for name, price in now.items():
            ledger.mark(name, price)
        for order in working:
            if data.draw(st.booleans()):
                ledger.update(evolve(order, status=OrderStatus.CANCELED))
        assert refused_there(asked, ledger, now[symbol]) is not None
