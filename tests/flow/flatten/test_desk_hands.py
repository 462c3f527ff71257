"""Through the desk: one strategy's own shares are closed, and after a no the books are compared before the next try."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from engine.core.flatten import Flattened
from engine.flow.flatten import flatten_strategy
from engine.model.intent import Purpose
from engine.model.order import OrderRequest, OrderType, Side, TimeInForce
from engine.ports import Step

Build = Callable[..., Any]


async def flatten(floor: Any, *symbols: str, **how: Any) -> dict[str, Flattened]:
    results: dict[str, Flattened] = {}
    await flatten_strategy(
        floor.desk,
        "alpha",
        symbols,
        purpose=Purpose.KILL,
        clock=floor.clock,
        price=lambda _: Decimal(100),
        results=results,
        **how,
    )
    return results


async def test_several_symbols_are_closed_at_once_and_nobody_elses(build_floor: Build, autojump_clock: Any) -> None:
    floor = build_floor(alpha_SPY=5, alpha_QQQ=-3, beta_SPY=7)
    results = await flatten(floor, "SPY", "QQQ")
    assert {symbol: over.flat for symbol, over in results.items()} == {"SPY": True, "QQQ": True}
    assert floor.desk.held == {("alpha", "SPY"): 0, ("alpha", "QQQ"): 0, ("beta", "SPY"): 7}
    assert set(floor.desk.purposes) == {Purpose.KILL}


async def test_after_a_no_the_books_are_compared(build_floor: Build, fate: Any, autojump_clock: Any) -> None:
    floor = build_floor(fate(refused="insufficient qty available"), alpha_SPY=5)
    results = await flatten(floor, "SPY")
    assert results["SPY"].flat
    assert floor.desk.reconciles == 1


async def test_an_order_that_nobody_tells_the_end_of_is_asked_for_and_canceled(
    build_floor: Build, fate: Any, autojump_clock: Any
) -> None:
    floor = build_floor(fate(fills=Decimal(0)), alpha_SPY=5)
    results = await flatten(floor, "SPY")
    assert results["SPY"].flat
    assert floor.desk.reconciles == 1
    assert [order.order.status for order in floor.desk.placed] == ["canceled", "filled"]


async def test_against_another_strategys_short_it_goes_in_two_orders(build_floor: Build, autojump_clock: Any) -> None:
    floor = build_floor(alpha_SPY=10, beta_SPY=-4)
    await flatten(floor, "SPY")
    assert [order.order.qty for order in floor.desk.placed] == [6, 4]
    assert floor.desk.crossed == []


@pytest.mark.parametrize("stuck", [False, True])
async def test_what_rests_is_canceled_before_and_a_stuck_one_is_told_of(
    build_floor: Build, fate: Any, stuck: bool, autojump_clock: Any
) -> None:
    floor = build_floor(alpha_SPY=10)
    resting = OrderRequest(
        symbol="SPY", side=Side.SELL, type=OrderType.LIMIT, time_in_force=TimeInForce.GTC, qty=Decimal(4)
    )
    floor.desk.open("alpha", resting, fate(stuck=stuck))
    over = (await flatten(floor, "SPY"))["SPY"]
    assert (over.flat, over.left) == ((False, 4) if stuck else (True, 0))


async def test_every_act_is_between_two_steps(build_floor: Build, fate: Any, autojump_clock: Any) -> None:
    floor = build_floor(fate(), alpha_SPY=1)
    steps: list[Step] = []
    await flatten(floor, "SPY", probe=steps.append)
    assert steps == [Step.FLATTEN_CLOSING, Step.FLATTEN_CLOSED]


async def test_what_others_closed_behind_its_back_is_not_closed_again(build_floor: Build, autojump_clock: Any) -> None:
    """``gapless kill`` sold five, and the books of the strategy do not say so yet: to sell would be to sell short."""
    floor = build_floor(alpha_SPY=5, alpha_QQQ=5)
    floor.desk.held |= {("", "SPY"): Decimal(-5), ("", "QQQ"): Decimal(-2)}
    results = await flatten(floor, "SPY", "QQQ")
    assert {symbol: over.flat for symbol, over in results.items()} == {"SPY": True, "QQQ": True}
    assert [(order.symbol, order.side, order.order.qty) for order in floor.desk.placed] == [("QQQ", "sell", 3)]
    assert floor.desk.crossed == []


async def test_what_is_nobodys_on_the_same_side_is_left_alone(build_floor: Build, autojump_clock: Any) -> None:
    floor = build_floor(alpha_SPY=5)
    floor.desk.held["", "SPY"] = Decimal(4)
    await flatten(floor, "SPY")
    assert floor.desk.held == {("alpha", "SPY"): 0, ("", "SPY"): 4}
