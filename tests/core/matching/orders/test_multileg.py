"""A multi-leg order fills all its legs at once, each against its own quote, within its net price, or none."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from engine.core.rules import Refused

Make = Callable[..., Any]


@pytest.fixture
def options(trader: Make) -> Any:
    """A trader who knows two calls on one underlying, the nearer strike first."""
    made = trader()
    calls = [asset for asset in made.venue.assets.values() if asset.underlying == "AAPL" and asset.call]
    last = max(asset.expires for asset in calls)
    made.calls = [asset.symbol for asset in calls if asset.expires == last][:2]
    return made


def _quote(made: Any, *, size: float = 10.0) -> list[str]:
    return made.quote(5.0, 5.1, size=size, symbol=made.calls[0]) + made.quote(2.0, 2.1, size=size, symbol=made.calls[1])


def test_a_debit_spread_pays_the_asks_less_the_bids(options: Any) -> None:
    _quote(options)
    told = options.spread("s", [(options.calls[0], "buy", 1), (options.calls[1], "sell", 1)], "3.10", "2")
    assert told == ["s pending_new", "s new", "s fill 2 @ 3.1"]
    update = options.updates[-1]
    assert [(fill.symbol, fill.qty, fill.price) for fill in update.leg_fills] == [
        (options.calls[0], 2, Decimal("5.1")),
        (options.calls[1], 2, 2),
    ]
    assert update.position_qtys == {options.calls[0]: 2, options.calls[1]: -2}
    assert [options["s.1"].status, options["s.2"].status] == ["filled", "filled"]
    assert options.venue.ledger.imbalance() == 0


def test_a_spread_waits_for_its_net_price(options: Any) -> None:
    _quote(options)
    assert options.spread("s", [(options.calls[0], "buy", 1), (options.calls[1], "sell", 1)], "3.00") == [
        "s pending_new",
        "s new",
    ]
    assert options.quote(4.9, 5.0, symbol=options.calls[0]) == ["s fill 1 @ 3"]


def test_a_credit_is_a_negative_limit(options: Any) -> None:
    _quote(options)
    assert options.spread("s", [(options.calls[0], "sell", 1), (options.calls[1], "buy", 1)], "-3.00")[2:] == []
    assert options.quote(5.2, 5.3, symbol=options.calls[0]) == ["s fill 1 @ -3.1"]


def test_a_ratio_multiplies_its_leg(options: Any) -> None:
    _quote(options)
    options.spread("s", [(options.calls[0], "buy", 2), (options.calls[1], "sell", 1)], None, "2")
    assert [options["s.1"].filled_qty, options["s.2"].filled_qty] == [4, 2]
    assert options.updates[-1].fill.price == Decimal("8.2")


def test_all_legs_or_none(options: Any) -> None:
    """One leg shows too little, or nothing at all: the other does not trade either."""
    options.quote(5.0, 5.1, symbol=options.calls[0])
    options.spread("s", [(options.calls[0], "buy", 1), (options.calls[1], "sell", 1)], None, "3")
    assert options.quote(2.0, 2.1, size=2.0, symbol=options.calls[1]) == []
    assert options.quote(2.0, 2.1, size=3.0, symbol=options.calls[1]) == ["s fill 3 @ 3.1"]


def test_the_legs_follow_their_parent_and_cannot_be_had_alone(options: Any) -> None:
    options.spread("s", [(options.calls[0], "buy", 1), (options.calls[1], "sell", 1)], "3.00")
    with pytest.raises(Refused, match="order not found"):
        options.cancel("s.1")
    assert options.cancel("s") == ["s canceled"]
    assert [options["s.1"].status, options["s.2"].status] == ["canceled", "canceled"]


def test_a_replaced_spread_has_new_legs(options: Any) -> None:
    _quote(options)
    options.spread("s", [(options.calls[0], "buy", 1), (options.calls[1], "sell", 1)], "3.00")
    assert options.replace("s", "t", limit_price="3.10") == ["s replaced", "t new", "t fill 1 @ 3.1"]
    assert [options["s.1"].status, options["t.1"].status] == ["replaced", "filled"]
    assert options["t.1"].replaces == options["s.1"].id


def test_a_spread_that_did_not_fill_expires_with_its_legs(options: Any) -> None:
    options.spread("s", [(options.calls[0], "buy", 1), (options.calls[1], "sell", 1)], "3.00")
    assert options.at("16:00:00") == ["s expired"]
    assert options["s.1"].status == "expired"


def test_a_spread_does_not_outlive_the_contract_that_ends_first(options: Any) -> None:
    calls = [asset for asset in options.venue.assets.values() if asset.underlying == "AAPL" and asset.call]
    near, far = min(calls, key=lambda asset: asset.expires), max(calls, key=lambda asset: asset.expires)
    options.spread("s", [(near.symbol, "sell", 1), (far.symbol, "buy", 1)], "0.01", time="gtc")
    assert options.at(f"{near.expires} 16:00:00") == ["s expired"]
