"""A target is reached or the strategy hears why not, and no single order takes a position through zero."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import OrderEnded, OrderRefused
from engine.model.intent import Purpose
from engine.model.order import OrderStatus, Side

shares = st.sampled_from([Decimal(0), Decimal("0.3"), Decimal("0.5"), Decimal(1)])
ends = st.sampled_from([None, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED])


@st.composite
def fates(draw: st.DrawFn, fate: Any) -> Any:
    if draw(st.integers(0, 5)) == 0:
        return fate(refused="insufficient qty available")
    return fate(fills=draw(shares), end=draw(ends), late=draw(shares))


async def test_a_target_is_the_difference_to_what_is_held(build_floor: Callable[..., Any], autojump_clock: Any) -> None:
    floor = build_floor(alpha_SPY=3)
    await floor.trading().target("SPY", 10)
    assert [(order.side, order.order.qty) for order in floor.desk.placed] == [("buy", 7)]
    assert floor.desk.purposes == [Purpose.ENTRY]


async def test_from_long_to_short_goes_in_two_orders(build_floor: Callable[..., Any], autojump_clock: Any) -> None:
    floor = build_floor(alpha_SPY=3)
    await floor.trading().target("SPY", -2)
    assert [(order.side, order.order.qty) for order in floor.desk.placed] == [("sell", 3), ("sell", 2)]
    assert floor.desk.purposes == [Purpose.EXIT, Purpose.ENTRY]


async def test_what_another_strategy_is_short_of_is_sold_in_an_order_of_its_own(
    build_floor: Callable[..., Any], autojump_clock: Any
) -> None:
    floor = build_floor(alpha_SPY=10, beta_SPY=-4)
    await floor.trading().target("SPY", 0)
    assert [(order.side, order.order.qty) for order in floor.desk.placed] == [("sell", 6), ("sell", 4)]
    assert floor.desk.crossed == []
    assert floor.desk.held["beta", "SPY"] == -4


async def test_two_strategies_on_one_symbol_do_not_close_each_others_shares(
    build_floor: Callable[..., Any], autojump_clock: Any
) -> None:
    floor = build_floor(alpha_SPY=10, beta_SPY=5)
    await floor.trading().target("SPY", 0)
    assert floor.desk.held == {("alpha", "SPY"): 0, ("beta", "SPY"): 5}


async def test_open_orders_are_canceled_first_and_their_late_fills_counted(
    build_floor: Callable[..., Any], fate: Any, autojump_clock: Any
) -> None:
    floor = build_floor(fate(fills=Decimal(0), late=Decimal("0.5")))
    trading = floor.trading()
    await trading.order(Side.BUY, "SPY", 10, limit=90)
    await trading.target("SPY", 7)
    assert [(order.order.qty, order.order.filled_qty) for order in floor.desk.placed] == [(10, 5), (2, 2)]


async def test_a_target_between_two_increments_is_cut_and_that_is_said(
    build_floor: Callable[..., Any], autojump_clock: Any
) -> None:
    floor = build_floor()
    await floor.trading().target("BTC/USD", "0.0109")
    assert floor.desk.held["alpha", "BTC/USD"] == Decimal("0.010")
    assert floor.said == ["alpha: target 0.0109 BTC/USD is cut to 0.01, the next whole increment"]


async def test_dust_that_cannot_be_traded_is_said_and_is_no_failure(
    build_floor: Callable[..., Any], autojump_clock: Any
) -> None:
    floor = build_floor(**{"alpha_BTC/USD": "0.3009"})
    await floor.trading().target("BTC/USD", 0)
    assert floor.desk.held["alpha", "BTC/USD"] == Decimal("0.0009")
    assert floor.said == ["alpha: BTC/USD is 0.0009 off its target 0: less than can be traded"]


async def test_what_a_fee_in_coins_took_is_not_bought_when_it_is_less_than_the_venue_sells(
    build_floor: Callable[..., Any], autojump_clock: Any
) -> None:
    floor = build_floor(**{"alpha_BTC/USD": "0.95"})
    await floor.trading().target("BTC/USD", 1)
    assert floor.desk.placed == []
    assert floor.said == ["alpha: BTC/USD is -0.05 off its target 1: less than can be traded"]


async def test_dust_in_the_way_of_a_target_is_no_way_to_it(
    build_floor: Callable[..., Any], autojump_clock: Any
) -> None:
    floor = build_floor(**{"alpha_BTC/USD": "0.0004"})
    with pytest.raises(OrderEnded, match="allows no order that would change that"):
        await floor.trading().target("BTC/USD", -1)


async def test_an_unknown_symbol_is_refused_by_name(build_floor: Callable[..., Any], autojump_clock: Any) -> None:
    with pytest.raises(OrderRefused, match='asset "NOPE" not found'):
        await build_floor().trading().target("NOPE", 1)


async def test_a_target_that_is_not_filled_says_so(
    build_floor: Callable[..., Any], fate: Any, autojump_clock: Any
) -> None:
    floor = build_floor(fate(fills=Decimal("0.5"), end=OrderStatus.CANCELED))
    with pytest.raises(OrderEnded, match="is canceled"):
        await floor.trading().target("SPY", 10)


async def test_two_targets_at_once_come_one_after_the_other(
    build_floor: Callable[..., Any], autojump_clock: Any
) -> None:
    floor = build_floor()
    trading = floor.trading()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trading.target, "SPY", 10)
        nursery.start_soon(trading.target, "SPY", 10)
    assert [order.order.qty for order in floor.desk.placed] == [10]


@settings(max_examples=150, deadline=None)
@given(script=st.data(), held=st.integers(-20, 20), wanted=st.integers(-20, 20), others=st.integers(-20, 20))
def test_whatever_becomes_of_the_orders_nothing_crosses_zero(
    build_floor: Callable[..., Any], fate: Any, script: st.DataObject, held: int, wanted: int, others: int
) -> None:
    floor = build_floor(*script.draw(st.lists(fates(fate), max_size=5)), alpha_SPY=held, beta_SPY=others)

    async def body() -> None:
        trading = floor.trading()
        reached = False
        with trio.move_on_after(60), suppress(OrderRefused, OrderEnded):  # an order that rests is waited for
            await trading.target("SPY", wanted)
            reached = True
        assert floor.desk.crossed == []
        assert not reached or trading.position("SPY") == wanted
        assert floor.desk.held["beta", "SPY"] == others

    floor.run(body)


async def test_a_target_counts_what_others_have_taken_away(
    build_floor: Callable[..., Any], autojump_clock: Any
) -> None:
    floor = build_floor(alpha_SPY=5)
    floor.desk.held["", "SPY"] = Decimal(-5)
    await floor.trading().target("SPY", 0)
    assert floor.desk.placed == []
    await floor.trading().target("SPY", 2)
    assert [(order.side, order.order.qty) for order in floor.desk.placed] == [("buy", 2)]


async def test_what_is_said_of_a_target_is_not_said_again_with_every_bar(
    build_floor: Callable[..., Any], autojump_clock: Any
) -> None:
    floor = build_floor()
    trading = floor.trading()
    for _ in range(3):
        await trading.target("SPY", "2.5")
    assert floor.said == ["alpha: target 2.5 SPY is cut to 2, the next whole increment"]
    await trading.target("SPY", "3.5")
    assert len(floor.said) == 2


async def test_the_rest_that_a_fee_in_coins_leaves_is_dust_also_where_no_stream_tells_a_price(
    build_floor: Callable[..., Any], autojump_clock: Any
) -> None:
    floor = build_floor()
    floor.desk.held["alpha", "BTC/USD"] = Decimal("0.098")
    floor.desk.cost_each = Decimal(1000)
    trading = floor.trading()
    trading.price = lambda _: None
    await trading.target("BTC/USD", "0.1")
    assert floor.desk.placed == []
    assert floor.said == ["alpha: BTC/USD is -0.002 off its target 0.1: less than can be traded"]
