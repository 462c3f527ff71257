"""Positions over REST: shown in the venue's spelling, closed in part or whole, all of them with a row each."""

from typing import Any

import pytest

from engine.model.instant import parse_instant


async def bought(counter: Any) -> None:
    await counter.order()
    await counter.order(symbol="BTC/USD", qty="0.5", time_in_force="gtc")


async def test_what_is_held_is_told_with_its_worth(counter: Any) -> None:
    await bought(counter)
    stock, coin = await counter.ask("GET", "/v2/positions")
    assert (stock["symbol"], stock["qty"], stock["avg_entry_price"], stock["side"]) == ("AAPL", "10", "100.02", "long")
    assert (coin["symbol"], coin["qty"], coin["asset_class"]) == ("BTCUSD", "0.49875", "crypto")  # less a fee in kind
    for name in ("BTCUSD", "BTC%2FUSD", coin["asset_id"]):
        assert (await counter.ask("GET", f"/v2/positions/{name}"))["symbol"] == "BTCUSD"


async def test_a_short_position_has_a_negative_quantity(counter: Any) -> None:
    await counter.order(side="sell")
    (short,) = await counter.ask("GET", "/v2/positions")
    assert (short["qty"], short["side"], short["qty_available"]) == ("-10", "short", "10")
    closing = await counter.ask("DELETE", "/v2/positions/AAPL")
    assert (closing["side"], closing["qty"]) == ("buy", "10")


async def test_what_is_not_held_is_a_404(counter: Any) -> None:
    for method in ("GET", "DELETE"):
        told = await counter.ask(method, "/v2/positions/AAPL")
        assert (counter.status, told) == (404, {"code": 40410000, "message": "position does not exist"})


@pytest.mark.parametrize(
    ("query", "qty"),
    [({}, "10"), ({"qty": "3"}, "3"), ({"percentage": "25"}, "2"), ({"percentage": "100"}, "10")],
)
async def test_a_position_is_closed_by_an_order_for_what_was_asked(
    counter: Any, query: dict[str, str], qty: str
) -> None:
    await counter.order()
    order = await counter.ask("DELETE", "/v2/positions/AAPL", **query)
    assert (counter.status, order["side"], order["qty"], order["type"]) == (200, "sell", qty, "market")


@pytest.mark.parametrize(
    "query",
    [{"qty": "1", "percentage": "5"}, {"percentage": "0"}, {"percentage": "101"}, {"qty": "many"}, {"qty": "NaN"}],
)
async def test_a_part_that_is_none_is_a_422(counter: Any, query: dict[str, str]) -> None:
    await counter.order()
    await counter.ask("DELETE", "/v2/positions/AAPL", **query)
    assert counter.status == 422


async def test_closing_all_answers_for_each_position(counter: Any) -> None:
    await bought(counter)
    await counter.order(side="sell", type="limit", limit_price="120")
    coin_only = await counter.ask("DELETE", "/v2/positions")
    assert counter.status == 207
    assert [(row["symbol"], row["status"]) for row in coin_only] == [("AAPL", 403), ("BTCUSD", 200)]
    assert coin_only[0]["body"]["held_for_orders"] == "10"
    assert coin_only[1]["order_id"] == coin_only[1]["body"]["id"]
    (row,) = await counter.ask("DELETE", "/v2/positions", cancel_orders="true")
    assert (row["symbol"], row["status"]) == ("AAPL", 200)
    assert await counter.ask("GET", "/v2/positions") == []


async def test_an_option_can_be_exercised_by_who_holds_it(counter: Any) -> None:
    contracts = await counter.ask("GET", "/v2/options/contracts", underlying_symbols="AAPL", type="call")
    name = contracts["option_contracts"][0]["symbol"]
    told = await counter.ask("POST", f"/v2/positions/{name}/exercise")
    assert (counter.status, told["code"]) == (403, 40310000)
    told = await counter.ask("POST", "/v2/positions/AAPL/exercise")
    assert (counter.status, told) == (422, {"code": 42210000, "message": "invalid symbol"})
    hold(counter, name, 2)
    before = await counter.ask("GET", "/v2/account")
    await counter.ask("POST", f"/v2/positions/{name}/exercise")
    assert counter.status == 200
    (position,) = await counter.ask("GET", "/v2/positions")
    strike = float(contracts["option_contracts"][0]["strike_price"])
    assert (position["symbol"], position["qty"], float(position["avg_entry_price"])) == ("AAPL", "200", strike)
    after = await counter.ask("GET", "/v2/account")
    assert float(before["cash"]) - float(after["cash"]) == pytest.approx(200 * strike)
    assert counter.brokerage.ledger.imbalance() == 0
    shares, exercised = await counter.ask("GET", "/v2/account/activities", category="non_trade_activity")
    assert (exercised["activity_type"], exercised["symbol"], exercised["qty"]) == ("OPEXC", name, "-2")
    assert (shares["activity_type"], float(shares["net_amount"])) == ("OPTRD", -200 * strike)
    assert counter.brokerage.updates.end == 0


async def test_a_short_option_cannot_be_exercised_nor_a_long_one_after_the_close(counter: Any) -> None:
    contracts = await counter.ask("GET", "/v2/options/contracts", underlying_symbols="AAPL", type="call")
    short, long = (each["symbol"] for each in contracts["option_contracts"][:2])
    hold(counter, short, -1)
    hold(counter, long, 1)
    assert (await counter.ask("POST", f"/v2/positions/{short}/exercise"))["code"] == 40310001
    counter.market.clock.advance(parse_instant("2026-03-02T21:30:00Z"))
    await counter.ask("POST", f"/v2/positions/{long}/exercise")
    assert counter.status == 422


def hold(counter: Any, symbol: str, contracts: int) -> None:
    """Book a trade in a contract that no market tells of, at a dollar."""
    from decimal import Decimal

    from engine.model.order import Fill, Side

    side = Side.BUY if contracts > 0 else Side.SELL
    qty, price = Decimal(abs(contracts)), Decimal(1)
    fill = Fill(execution_id="e", order_id="o", symbol=symbol, side=side, qty=qty, price=price, ts_ns=1)
    counter.brokerage.ledger.apply(fill, counter.brokerage.assets[symbol])
