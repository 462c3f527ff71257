"""What an order is worth and how much of it is taken, before it meets the market."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from engine.core.rules import Refused

Make = Callable[..., Any]


@pytest.fixture
def made(trader: Make) -> Any:
    """A trader at the open, with a market of 100 to 102."""
    found = trader()
    found.quote(100.0, 102.0)
    return found


def test_a_short_sale_holds_what_it_would_cost_to_buy_it_back(made: Any) -> None:
    """Three percent above the ask, as Alpaca documents, and not above the bid."""
    made.order("s", "sell", "limit", limit="103")
    assert made.venue.account().buying_power == 400_000 - Decimal("1.03") * 102 * 10


def test_a_market_order_is_refused_while_its_symbol_is_halted(made: Any) -> None:
    made.status("H")
    with pytest.raises(Refused, match='trading halt on symbol: "AAPL", please place a limit order instead') as refusal:
        made.order("m", "buy", "market")
    assert refusal.value.status == 422
    made.order("l", "buy", "limit", limit="99")
    made.status("T")
    made.order("n", "buy", "market")


def test_a_quantity_is_cut_at_nine_decimals(made: Any) -> None:
    made.order("f", "buy", "market", "1.23456789019")
    assert made["f"].qty == made["f"].filled_qty == made.held() == Decimal("1.234567890")
    made.quote(60_000.0, 60_001.0, symbol="BTC/USD")
    made.order("c", "buy", "limit", "0.1", limit="50000", time="gtc", symbol="BTC/USD")
    made.replace("c", "d", qty="0.20000000099")
    assert made["d"].qty == Decimal("0.2")


def test_a_quantity_of_which_nothing_is_left_is_refused(made: Any) -> None:
    made.quote(60_000.0, 60_001.0, symbol="BTC/USD")
    with pytest.raises(Refused, match="qty must be > 0"):
        made.order("c", "buy", "limit", "0.0000000009", limit="99999999999", time="gtc", symbol="BTC/USD")


def test_a_sale_for_dollars_sells_no_more_than_there_is(trader: Make) -> None:
    """The price falls on the way to the market: the dollars would be more shares than the account has."""
    made = trader(latency_ns=5_000_000)
    made.quote(100.0, 100.0)
    made.order("b", "buy", "market", "10")
    made.after(5)
    made.order("s", "sell", "market", None, notional="1000")
    made.quote(80.0, 80.02)
    assert made.after(5) == ["s new", "s fill 10 @ 80"]
    assert (made.held(), made["s"].status) == (0, "filled")


def test_a_purchase_for_dollars_covers_no_more_than_is_short(trader: Make) -> None:
    made = trader(latency_ns=5_000_000)
    made.quote(100.0, 100.0)
    made.order("s", "sell", "market", "10")
    made.after(5)
    made.order("b", "buy", "market", None, notional="1000")
    made.quote(79.98, 80.0)
    assert made.after(5) == ["b new", "b fill 10 @ 80"]
    assert made.held() == 0


def test_what_another_order_holds_is_not_sold_for_dollars(trader: Make) -> None:
    made = trader(latency_ns=5_000_000)
    made.quote(100.0, 100.0)
    made.order("b", "buy", "market", "10")
    made.after(5)
    made.order("l", "sell", "limit", "4", limit="120")
    made.order("s", "sell", "market", None, notional="600")
    made.quote(80.0, 80.02)
    made.after(5)
    assert (made["s"].filled_qty, made.held()) == (6, 4)
