"""A fee is paid once, to the cent, by whoever it was for, whenever and however often it is told."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from engine.core.blotter import Blotter
from engine.core.blotter.fees import FEES_REMEMBERED_NS
from engine.model.account import AccountFee
from engine.model.entry import Carried, Charged
from engine.model.order import ZERO, Side

PRICES = {"AAPL": Decimal(100), "TSLA": Decimal(100), "BTC/USD": Decimal(100)}
DAY_NS = 86_400 * 10**9
DAWN_NS = 1_772_427_600 * 10**9
"""Midnight in New York before what `Venue` begins with: 2026-03-02T05:00:00Z."""


def fee(name: str, amount: str, ts_ns: int, **more: str) -> AccountFee:
    return AccountFee(id=name, amount=Decimal(amount), ts_ns=ts_ns, **more)


def trade(venue: Any, pad: Any, strategy: str, qty: str, symbol: str = "AAPL", side: Side = Side.SELL) -> str:
    """A trade of a strategy at 100 dollars, or by hand; the venue's id of its order."""
    name = pad.send(strategy, symbol, side, qty) if strategy else f"by-hand-{len(venue.orders)}"
    order = venue.submit(name, symbol, side, qty)
    venue.fill(order.id, qty)
    return str(order.id)


def paid(pad: Any, symbol: str = "AAPL") -> dict[str, Decimal]:
    """The fees in everybody's line of a symbol."""
    names = ("", *pad.blotter.strategies())
    return {name: fees for name in names if (fees := pad.blotter.position(name, symbol).fees)}


def test_the_fee_of_an_order_is_its_strategys_and_lowers_its_profit_and_the_cash(venue: Any, pad: Any) -> None:
    order_id = trade(venue, pad, "alpha", "10")
    trade(venue, pad, "beta", "10")
    pad.hear(*venue.told)
    told = [fee("f", "0.25", venue.now_ns, order_id=order_id, symbol="AAPL")]
    taken = pad.note(pad.blotter.take_fees(told, venue.now_ns))
    assert paid(pad) == {"alpha": Decimal("0.25")}
    assert pad.blotter.profit("alpha", PRICES) == Decimal("-0.25")
    assert pad.blotter.cash() == venue.cash - Decimal("0.25")
    assert [type(entry) for entry in taken.entries] == [Charged]
    assert pad.note(pad.blotter.take_fees(told, 99)).entries == ()


def test_the_fee_of_a_day_is_shared_by_what_was_sold_that_day_to_the_cent(venue: Any, pad: Any) -> None:
    trade(venue, pad, "gamma", "5")
    trade(venue, pad, "beta", "5")
    trade(venue, pad, "alpha", "5")
    trade(venue, pad, "delta", "900", side=Side.BUY)
    trade(venue, pad, "alpha", "900", symbol="TSLA")
    venue.now_ns += DAY_NS
    trade(venue, pad, "delta", "50")
    pad.hear(*venue.told)
    pad.note(pad.blotter.take_fees([fee("f", "1.00", DAWN_NS + DAY_NS - 1, symbol="AAPL")], venue.now_ns))
    assert paid(pad) == {"alpha": Decimal("0.34"), "beta": Decimal("0.33"), "gamma": Decimal("0.33")}


def test_where_nothing_was_sold_what_was_bought_counts_and_where_nothing_was_traded_nobody_pays(
    venue: Any, pad: Any
) -> None:
    trade(venue, pad, "alpha", "1", side=Side.BUY)
    trade(venue, pad, "", "3", side=Side.BUY)
    pad.hear(*venue.told)
    pad.note(pad.blotter.take_fees([fee("f", "0.08", venue.now_ns, symbol="AAPL")], venue.now_ns))
    assert paid(pad) == {"": Decimal("0.06"), "alpha": Decimal("0.02")}
    pad.note(pad.blotter.take_fees([fee("g", "0.05", venue.now_ns + 3 * DAY_NS, symbol="AAPL")], venue.now_ns))
    assert paid(pad) == {"": Decimal("0.11"), "alpha": Decimal("0.02")}
    assert pad.blotter.profit(None, PRICES) == Decimal("-0.02")


def test_a_fee_without_a_symbol_is_shared_by_all_that_was_sold(venue: Any, pad: Any) -> None:
    trade(venue, pad, "alpha", "1")
    trade(venue, pad, "beta", "3", symbol="TSLA")
    pad.hear(*venue.told)
    pad.note(pad.blotter.take_fees([fee("f", "0.04", venue.now_ns)], venue.now_ns))
    assert paid(pad, "") == {"alpha": Decimal("0.01"), "beta": Decimal("0.03")}
    assert pad.blotter.profit("beta", PRICES) == Decimal("-0.03")
    assert pad.blotter.positions("beta").keys() == {"TSLA"}
    assert not pad.round(venue.snapshot()).doubts


def test_a_late_fee_is_of_the_day_on_which_it_is_told(venue: Any, pad: Any) -> None:
    trade(venue, pad, "alpha", "1")
    pad.hear(*venue.told)
    pad.blotter.start_day(venue_day(1), PRICES)
    pad.note(pad.blotter.take_fees([fee("f", "0.04", venue.now_ns, symbol="AAPL")], DAWN_NS + DAY_NS + 1))
    assert pad.blotter.profit("alpha", PRICES) == Decimal("-0.04")
    pad.blotter.start_day(venue_day(1), PRICES)
    assert pad.blotter.profit("alpha", PRICES) == Decimal("-0.04")
    pad.blotter.start_day(venue_day(2), PRICES)
    assert pad.blotter.profit("alpha", PRICES) == 0


def venue_day(later: int) -> date:
    """So many days after the venue's first."""
    return date(2026, 3, 2) + timedelta(days=later)


@given(
    trades=st.lists(
        st.tuples(st.sampled_from(["alpha", "beta", ""]), st.sampled_from(["AAPL", "TSLA"]), st.sampled_from(Side)),
        min_size=1, max_size=6,
    ),
    amounts=st.lists(st.integers(1, 10**7), min_size=1, max_size=6),
    seed=st.integers(0, 10**6),
)  # fmt: skip
def test_told_in_any_order_and_twice_the_fees_of_orders_end_in_one_state(
    make_venue: Any, make_pad: Any, trades: Sequence[tuple[str, str, Side]], amounts: Sequence[int], seed: int
) -> None:
    dice, venue = Random(seed), make_venue()
    pads = [make_pad() for _ in range(2)]
    orders = []
    for strategy, symbol, side in trades:
        for pad in pads[1:]:
            pad.send(strategy or "by-hand", symbol, side, "2")
        orders.append(trade(venue, pads[0], strategy or "by-hand", "2", symbol, side))
    fees = [
        fee(f"f{number}", str(Decimal(micros) / 10**6), venue.now_ns, order_id=dice.choice(orders), symbol="AAPL")
        for number, micros in enumerate(amounts)
    ]
    tellings: list[Any] = [*venue.told, *fees]
    mixed = dice.sample([*tellings, *tellings], 2 * len(tellings))
    for pad, told in zip(pads, (tellings, mixed), strict=True):
        for each in told:
            if isinstance(each, AccountFee):
                pad.note(pad.blotter.take_fees([each], venue.now_ns))
            else:
                pad.hear(each)
    first, second = (pad.blotter for pad in pads)
    assert first.charged() and set(map(repr, first.charged())) == set(map(repr, second.charged()))
    for name in ("", *first.strategies()):
        for symbol in PRICES:
            assert first.position(name, symbol) == second.position(name, symbol)
    assert second.cash() == first.cash() == venue.cash - sum((each.amount for each in fees), ZERO)
    for pad in pads:
        assert (pad.restored(), pad.restored().cash()) == (pad.blotter, pad.blotter.cash())
        assert pad.restored().take_fees(fees, 7).entries == ()


@given(
    sold=st.lists(st.tuples(st.sampled_from(["alpha", "beta", "gamma", ""]), st.integers(1, 999)), max_size=5),
    micros=st.integers(1, 10**9),
    symbol=st.sampled_from(["", "AAPL"]),
)
def test_the_parts_of_a_shared_fee_come_to_it_and_only_the_first_has_less_than_cents(
    make_venue: Any, make_pad: Any, sold: Sequence[tuple[str, int]], micros: int, symbol: str
) -> None:
    venue, pad, amount = make_venue(), make_pad(), Decimal(micros) / 10**6
    for strategy, qty in sold:
        trade(venue, pad, strategy, str(qty))
    pad.hear(*venue.told)
    pad.note(pad.blotter.take_fees([fee("f", str(amount), venue.now_ns, symbol=symbol)], venue.now_ns))
    parts = paid(pad, symbol)
    assert sum(parts.values()) == amount
    assert parts.keys() <= ({name for name, _ in sold} or {""})
    assert all(part == part.quantize(Decimal("0.01")) for name, part in parts.items() if name != min(parts))
    assert pad.blotter.cash() == venue.cash - amount
    assert pad.restored() == pad.blotter and paid(pad, symbol) == parts


@pytest.mark.parametrize("before", [True, False], ids=["told before its order is forgotten", "told after"])
def test_what_is_forgotten_of_an_order_keeps_its_fees_each_once(venue: Any, pad: Any, before: bool) -> None:
    ours = trade(venue, pad, "alpha", "4", side=Side.BUY)
    pad.hear(*venue.told)
    told = [
        fee("f", "0.30", venue.now_ns, order_id=ours, symbol="AAPL"),
        fee("g", "0.10", venue.now_ns, symbol="AAPL"),
        fee("h", "0.02", venue.now_ns),
    ]
    if before:
        pad.note(pad.blotter.take_fees(told, venue.now_ns - 1))
    carried = pad.note(pad.blotter.carry(venue.now_ns))
    assert any(isinstance(entry, Carried) for entry in carried.entries)
    if not before:
        pad.note(pad.blotter.take_fees(told, venue.now_ns - 1))
    pad.file.entries = {key: entry for key, entry in pad.file.entries.items() if key[0] != "order"}
    for blotter in (pad.blotter, pad.restored()):
        assert blotter.cash() == venue.cash - Decimal("0.42")
        assert blotter.take_fees(told, venue.now_ns).entries == ()
    late = [fee("late", "0.01", venue.now_ns + 2 * FEES_REMEMBERED_NS)]
    pad.note(pad.blotter.take_fees(late, venue.now_ns + 2 * FEES_REMEMBERED_NS))
    venue.now_ns += 2 * FEES_REMEMBERED_NS
    trade(venue, pad, "alpha", "1", side=Side.BUY)
    pad.hear(*venue.told[-2:])
    pad.note(pad.blotter.carry(venue.now_ns))
    assert [charged.fee.id for charged in pad.blotter.charged()] == ["late"]
    assert pad.blotter.cash() == venue.cash - Decimal("0.43")
    assert Blotter.restore(evolve(pad.file.remembered(), tickets=(), charged=pad.blotter.charged())) == pad.blotter
    assert pad.restored().cash() == pad.blotter.cash()
