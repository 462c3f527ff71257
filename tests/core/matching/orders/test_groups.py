"""Of orders that hang on one another, held ones never fill, and only one exit does."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from engine.core.rules import Refused
from engine.model.order import Fill, Side

Make = Callable[..., Any]


@pytest.fixture
def bracket(trader: Make) -> Any:
    """A bracket around 100 whose entry is filled."""
    made = trader()
    made.quote(100.0, 100.02)
    made.order("entry", "buy", "market", group="bracket", profit="101", loss="99")
    return made


def test_the_exits_of_a_bracket_are_held_until_the_entry_is_filled(trader: Make) -> None:
    made = trader()
    made.quote(100.0, 100.02)
    told = made.order("entry", "buy", "limit", limit="99.50", group="bracket", profit="101", loss="99")
    assert told == ["entry pending_new", "entry new"]
    assert [made["entry.1"].status, made["entry.2"].status] == ["held", "held"]
    assert made.trade(98.0) == ["entry fill 10 @ 99.50", "entry.1 new"]
    assert made["entry.2"].status == "held"


def test_a_partly_filled_entry_wakes_nothing_and_takes_its_exits_along(trader: Make) -> None:
    made = trader()
    made.quote(100.0, 100.02, size=4.0)
    told = made.order("entry", "buy", "limit", limit="100.02", group="bracket", profit="101", loss="99")
    assert told == ["entry pending_new", "entry new", "entry partial_fill 4 @ 100.02"]
    assert made["entry.1"].status == "held"
    assert made.cancel("entry") == ["entry canceled", "entry.1 canceled", "entry.2 canceled"]
    assert made.held() == 4


def test_a_filled_take_profit_cancels_the_stop(bracket: Any) -> None:
    assert bracket.quote(101.0, 101.02) == ["entry.1 fill 10 @ 101", "entry.2 canceled"]
    assert bracket.held() == 0


def test_a_reached_stop_takes_the_place_of_the_take_profit(bracket: Any) -> None:
    bracket.quote(98.9, 98.92)
    assert bracket.trade(98.9) == ["entry.1 canceled", "entry.2 new", "entry.2 fill 10 @ 98.9"]
    assert bracket.held() == 0
    assert not bracket.venue.open_orders()


def test_the_stop_shrinks_by_what_the_take_profit_has_filled(bracket: Any) -> None:
    assert bracket.quote(101.0, 101.02, size=3.0) == ["entry.1 partial_fill 3 @ 101"]
    assert bracket["entry.2"].qty == 7
    bracket.quote(98.9, 98.92)
    assert bracket.trade(98.9) == ["entry.1 canceled", "entry.2 new", "entry.2 fill 7 @ 98.9"]
    assert bracket.held() == 0


@pytest.mark.parametrize("which", ["entry.1", "entry.2"])
def test_canceling_one_exit_cancels_the_other(bracket: Any, which: str) -> None:
    assert sorted(bracket.cancel(which)) == ["entry.1 canceled", "entry.2 canceled"]
    assert bracket.held() == 10


def test_the_exits_of_a_day_bracket_expire_with_the_day(bracket: Any) -> None:
    assert sorted(bracket.at("16:00:00")) == ["entry.1 expired", "entry.2 expired"]


def test_an_expired_entry_takes_its_exits_along(trader: Make) -> None:
    made = trader()
    made.quote(100.0, 100.02)
    made.order("entry", "buy", "limit", limit="90", group="bracket", profit="101", loss="89")
    assert made.at("16:00:00") == ["entry expired", "entry.1 expired", "entry.2 expired"]


def test_the_take_profit_holds_the_position_and_the_stop_needs_none(bracket: Any) -> None:
    assert bracket.venue.position("AAPL").available_qty == 0
    with pytest.raises(Refused, match="insufficient qty available"):
        bracket.order("more", "sell", "limit", limit="120")


def test_an_oco_is_a_limit_with_a_held_stop(trader: Make) -> None:
    made = trader()
    made.quote(100.0, 100.02)
    made.order("entry", "buy", "market")
    told = made.order("oco", "sell", "limit", group="oco", profit="101", loss="99")
    assert told == ["oco pending_new", "oco new"]
    assert made["oco.1"].status == "held"
    made.quote(98.9, 98.92)
    assert made.trade(98.9) == ["oco canceled", "oco.1 new", "oco.1 fill 10 @ 98.9"]
    assert made.held() == 0


def test_a_filled_oco_cancels_its_stop(trader: Make) -> None:
    made = trader()
    made.quote(100.0, 100.02)
    made.order("entry", "buy", "market")
    made.order("oco", "sell", "limit", group="oco", profit="101", loss="99")
    assert made.quote(101.5, 101.52) == ["oco fill 10 @ 101", "oco.1 canceled"]


@pytest.mark.parametrize(("exits", "kind"), [({"loss": "99"}, "stop"), ({"profit": "101"}, "limit")])
def test_an_oto_has_one_exit_that_works_once_the_entry_is_filled(
    trader: Make, exits: dict[str, str], kind: str
) -> None:
    made = trader()
    made.quote(100.0, 100.02)
    told = made.order("entry", "buy", "market", group="oto", **exits)
    assert told[2:] == ["entry fill 10 @ 100.02", "entry.1 new"]
    assert made["entry.1"].type == kind
    made.quote(98.9, 98.92)
    made.trade(98.9)
    made.quote(101.0, 101.02)
    assert made["entry.1"].status == "filled"
    assert made.held() == 0


def test_a_replaced_stop_is_the_bracket_s_stop_from_then_on(bracket: Any) -> None:
    assert bracket.replace("entry.2", "tighter", stop_price="99.5") == ["entry.2 replaced"]
    assert bracket["tighter"].status == "held"
    bracket.quote(99.4, 99.42)
    assert bracket.trade(99.4) == ["entry.1 canceled", "tighter new", "tighter fill 10 @ 99.4"]


def test_a_replaced_take_profit_still_cancels_the_stop(bracket: Any) -> None:
    assert bracket.replace("entry.1", "lower", limit_price="100.5") == ["entry.1 replaced", "lower new"]
    assert bracket.quote(100.6, 100.62) == ["lower fill 10 @ 100.5", "entry.2 canceled"]


def test_a_replaced_entry_keeps_its_exits(trader: Make) -> None:
    made = trader()
    made.quote(100.0, 100.02)
    made.order("entry", "buy", "limit", limit="99.50", group="bracket", profit="101", loss="98")
    assert made.replace("entry", "higher", limit_price="99.60") == ["entry replaced", "higher new"]
    assert made["entry.1"].parent_id == made["higher"].id
    assert made.trade(99.5) == ["higher fill 10 @ 99.60", "entry.1 new"]


def test_an_exit_that_the_account_refuses_is_rejected_and_ends_the_group(trader: Make) -> None:
    """An exercise took more away than the entry brought, so there is nothing to exit from."""
    made = trader()
    made.quote(100.0, 100.02)
    made.order("entry", "buy", "limit", limit="99.50", group="bracket", profit="101", loss="98")
    taken = Fill(
        execution_id="exercise",
        order_id="",
        symbol="AAPL",
        side=Side.SELL,
        qty=Decimal(30),
        price=Decimal(100),
        ts_ns=made.now_ns,
    )
    made.venue.ledger.apply(taken, made.venue.assets["AAPL"])
    assert made.trade(99.0) == ["entry fill 10 @ 99.50", "entry.1 rejected", "entry.2 canceled"]
