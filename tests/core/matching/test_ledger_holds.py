"""An open order holds what it needs, no more and no longer; what it may not have is refused."""

from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from engine.core.rules import Refused
from engine.model.order import OrderClass, OrderStatus, OrderType, Side

CALL_230, CALL_240 = "AAPL260320C00230000", "AAPL260320C00240000"
PUT_230, PUT_220 = "AAPL260320P00230000", "AAPL260320P00220000"


def dollars(*amounts: int | Decimal) -> tuple[Decimal, ...]:
    return tuple(Decimal(amount) for amount in amounts)


def test_an_open_order_holds_until_it_ends(desk: Any) -> None:
    buy = desk.admit(desk.order(Side.BUY, "10", "200"))
    assert desk.power == 398_000
    desk.ledger.update(evolve(buy, filled_qty=Decimal(4)))
    assert desk.power == 398_800
    desk.ledger.update(evolve(buy, status=OrderStatus.CANCELED))
    assert desk.power == 400_000


def test_a_fill_at_the_limit_leaves_the_buying_power_as_the_order_had_it(desk: Any) -> None:
    buy = desk.admit(desk.order(Side.BUY, "10", "200"))
    held = desk.power
    desk.fill(Side.BUY, "10", "200")
    desk.ledger.update(evolve(buy, filled_qty=Decimal(10), status=OrderStatus.FILLED))
    assert desk.power == held


def test_the_last_dollar_can_be_spent_and_not_one_more(desk: Any) -> None:
    with pytest.raises(Refused, match="insufficient buying power"):
        desk.admit(desk.order(Side.BUY, "2000.000001", "200"))
    desk.admit(desk.order(Side.BUY, "2000", "200"))
    assert desk.power == 0


@pytest.mark.parametrize(
    ("side", "limit", "price", "more", "held"),
    [
        (Side.BUY, "", "230", {}, 2300),
        (Side.BUY, "200", "230", {}, 2000),
        (Side.BUY, "", "230", {"type": OrderType.STOP, "stop_price": Decimal(250)}, 2500),
        (Side.BUY, "", "", {}, 0),
        (Side.SELL, "200", "230", {}, 2369),
        (Side.SELL, "240", "230", {}, 2400),
        (Side.SELL, "", "230", {}, 2369),
        (Side.BUY, "", "230", {"qty": None, "notional": Decimal(500)}, 500),
    ],
    ids=["market", "limit", "stop", "no price known", "short", "short at a limit above", "short market", "dollars"],
)
def test_an_order_that_opens_holds_what_it_is_worth(
    desk: Any, side: Side, limit: str, price: str, more: dict[str, Any], held: int
) -> None:
    desk.admit(evolve(desk.order(side, "10", limit), **more), price)
    assert 400_000 - desk.power == held


def test_an_order_that_closes_holds_what_it_closes_and_no_money(desk: Any) -> None:
    desk.fill(Side.BUY, "10", "200")
    before = desk.power
    sell = desk.admit(desk.order(Side.SELL, "6", "210"))
    assert (desk.position().available_qty, desk.power) == dollars(4, before)
    with pytest.raises(Refused, match=r"requested: 5, available: 4"):
        desk.admit(desk.order(Side.SELL, "5", "210", order_id="two"))
    desk.fill(Side.SELL, "2", "210")
    desk.ledger.update(evolve(sell, filled_qty=Decimal(2)))
    assert desk.position().available_qty == 4
    desk.ledger.update(evolve(sell, filled_qty=Decimal(2), status=OrderStatus.EXPIRED))
    assert desk.position().available_qty == 8


def test_dollars_that_are_sold_hold_the_shares_they_come_to(desk: Any) -> None:
    desk.fill(Side.BUY, "10", "200")
    desk.admit(evolve(desk.order(Side.SELL, "1"), qty=None, notional=Decimal(100)), "300")
    assert desk.position().available_qty == Decimal("9.666666666")


def test_dollars_that_were_spent_are_not_held_any_more(desk: Any) -> None:
    buy = desk.admit(evolve(desk.order(Side.BUY, "1"), qty=None, notional=Decimal(500)), "200")
    desk.ledger.update(evolve(buy, filled_qty=Decimal(2), filled_avg_price=Decimal(200)))
    assert desk.power == 399_900


def test_a_refused_order_holds_nothing(desk: Any) -> None:
    with pytest.raises(Refused):
        desk.admit(desk.order(Side.BUY, "10000", "200"))
    assert desk.power == 400_000


def test_two_exits_of_one_position_hold_it_once(desk: Any) -> None:
    desk.fill(Side.BUY, "10", "200")
    profit = desk.admit(desk.order(Side.SELL, "10", "240", order_class=OrderClass.OCO))
    stop = desk.admit(desk.order(Side.SELL, "10", "", order_id="leg", parent_id="one", stop_price=Decimal(180)))
    assert desk.position().available_qty == 0
    desk.ledger.update(evolve(profit, status=OrderStatus.CANCELED))
    assert desk.position().available_qty == 0
    desk.ledger.update(evolve(stop, status=OrderStatus.CANCELED))
    assert desk.position().available_qty == 10


def test_the_exits_of_a_bracket_are_not_in_their_entrys_way(desk: Any) -> None:
    entry = desk.admit(desk.order(Side.BUY, "10", "200", order_class=OrderClass.BRACKET))
    desk.fill(Side.BUY, "10", "200")
    exit_ = desk.order(Side.SELL, "10", "240", order_id="leg", parent_id="one", order_class=OrderClass.BRACKET)
    desk.admit(exit_)
    desk.ledger.update(evolve(entry, filled_qty=Decimal(10), status=OrderStatus.FILLED))
    assert desk.position().available_qty == 0
    assert desk.power == 398_000


def test_an_order_and_its_replacement_hold_the_larger_of_the_two(desk: Any) -> None:
    old = desk.admit(desk.order(Side.BUY, "10", "200"))
    new = desk.order(Side.BUY, "10", "210", order_id="two", replaces="one")
    desk.ledger.readmit(old, new, desk.assets["AAPL"], None)
    assert desk.power == 397_900
    desk.ledger.update(evolve(old, status=OrderStatus.REPLACED))
    assert desk.power == 397_900
    desk.ledger.update(evolve(new, status=OrderStatus.CANCELED))
    assert desk.power == 400_000


def test_a_replacement_may_use_what_the_old_order_holds(desk: Any) -> None:
    old = desk.admit(desk.order(Side.BUY, "2000", "200"))
    desk.ledger.readmit(old, desk.order(Side.BUY, "1000", "400", order_id="two"), desk.assets["AAPL"], None)
    with pytest.raises(Refused):
        desk.ledger.readmit(old, desk.order(Side.BUY, "1000", "401", order_id="three"), desk.assets["AAPL"], None)


# ---- options


def test_shares_behind_a_call_that_was_sold_cannot_be_sold(desk: Any) -> None:
    desk.fill(Side.BUY, "150", "230")
    call = desk.admit(desk.order(Side.SELL, "1", "5", CALL_230))
    assert desk.position().available_qty == 50
    with pytest.raises(Refused, match="uncovered"):
        desk.admit(desk.order(Side.SELL, "1", "5", CALL_240, "two"))
    desk.fill(Side.SELL, "1", "5", CALL_230)
    desk.ledger.update(evolve(call, filled_qty=Decimal(1), status=OrderStatus.FILLED))
    assert desk.position().available_qty == 50
    with pytest.raises(Refused, match=r"requested: 51, available: 50"):
        desk.admit(desk.order(Side.SELL, "51", "230", order_id="three"))


def test_a_put_that_is_sold_holds_its_strike_less_its_premium(desk: Any) -> None:
    desk.admit(desk.order(Side.SELL, "1", "5", PUT_230))
    assert desk.ledger.account().options_buying_power == 77_500
    desk.fill(Side.SELL, "1", "5", PUT_230)
    desk.ledger.update(desk.order(Side.SELL, "1", "5", PUT_230, status=OrderStatus.FILLED))
    assert desk.ledger.account().options_buying_power == 77_500


@pytest.mark.parametrize(
    ("legs", "limit", "held"),
    [
        (((CALL_230, Side.BUY), (CALL_240, Side.SELL)), "3", 300),
        (((CALL_240, Side.BUY), (CALL_230, Side.SELL)), "-3", 700),
        (((PUT_220, Side.BUY), (PUT_230, Side.SELL)), "-4", 600),
        (((CALL_240, Side.BUY), (CALL_230, Side.SELL), (PUT_220, Side.BUY), (PUT_230, Side.SELL)), "-7", 300),
    ],
    ids=["call debit spread", "call credit spread", "put credit spread", "iron butterfly"],
)
def test_a_spread_holds_what_it_can_lose(desk: Any, legs: tuple[tuple[str, Side], ...], limit: str, held: int) -> None:
    whole = evolve(desk.order(Side.BUY, "2", limit), symbol="", side=None, order_class=OrderClass.MLEG)
    parts = [
        (desk.order(side, "2", "", symbol, symbol, ratio_qty=Decimal(1), parent_id="one"), desk.assets[symbol])
        for symbol, side in legs
    ]
    desk.ledger.admit(whole, None, None, parts)
    assert 100_000 - desk.ledger.account().options_buying_power == 2 * held
    desk.ledger.update(evolve(whole, status=OrderStatus.CANCELED))
    assert desk.ledger.account().options_buying_power == 100_000


def test_a_bought_contract_does_not_cover_one_that_outlives_it(desk: Any) -> None:
    desk.fill(Side.BUY, "1", "5", "AAPL260306C00230000")
    with pytest.raises(Refused, match="uncovered"):
        desk.admit(desk.order(Side.SELL, "1", "5", CALL_230))
