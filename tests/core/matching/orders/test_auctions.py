"""An auction order trades with the print of its auction, at its price, or not at all."""

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]


@pytest.fixture
def opening(trader: Make) -> Any:
    """Two minutes before nine thirty, with a market and a limit order for the opening."""
    made = trader("09:00:00")
    assert made.order("moo", "buy", "market", time="opg") == ["moo accepted"]
    made.order("loo", "buy", "limit", limit="99", time="opg")
    return made


def test_the_opening_cross_fills_what_its_price_satisfies(opening: Any) -> None:
    assert opening.at("09:30:00") == ["moo new", "loo new"]
    assert opening.quote(100.0, 100.02) == []
    assert opening.trade(100.0) == []
    assert opening.trade(100.5, condition="O") == ["moo fill 10 @ 100.5"]
    assert opening.at("09:31:00") == ["loo canceled"]


def test_the_opening_orders_share_the_size_of_the_cross(opening: Any) -> None:
    opening.at("09:30:00")
    assert opening.trade(99.0, size=12.0, condition="O") == ["moo fill 10 @ 99", "loo partial_fill 2 @ 99"]


def test_without_a_cross_in_the_first_minute_opening_orders_are_canceled(opening: Any) -> None:
    opening.quote(100.0, 100.02)
    assert opening.at("09:31:00") == ["moo new", "loo new", "moo canceled", "loo canceled"]
    assert opening.trade(99.0, condition="O") == []


@pytest.fixture
def closing(trader: Make) -> Any:
    """The afternoon, with a market and a limit order for the close."""
    made = trader("15:00:00")
    made.quote(100.0, 100.02)
    assert made.order("moc", "buy", "market", time="cls") == ["moc pending_new", "moc new"]
    made.order("loc", "buy", "limit", limit="99", time="cls")
    return made


def test_the_closing_cross_fills_after_the_close(closing: Any) -> None:
    assert closing.trade(98.0) == []
    assert closing.at("16:00:00") == []
    assert closing.trade(100.5, condition="6") == ["moc fill 10 @ 100.5"]
    assert closing.at("16:01:00") == ["loc canceled"]


def test_without_a_cross_the_last_trade_is_the_close(closing: Any) -> None:
    closing.trade(97.0)
    closing.trade(98.5, size=15.0)
    assert closing.at("16:01:00") == ["moc fill 10 @ 98.5", "loc partial_fill 5 @ 98.5", "loc canceled"]


def test_without_any_trade_closing_orders_are_canceled(closing: Any) -> None:
    assert closing.at("16:01:00") == ["moc canceled", "loc canceled"]


def test_what_trades_after_the_close_is_not_the_close(closing: Any) -> None:
    closing.trade(98.5)
    closing.at("16:00:00")
    closing.trade(97.0)
    assert closing.at("16:01:00") == ["moc fill 10 @ 98.5", "loc fill 10 @ 98.5"]
