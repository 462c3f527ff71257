"""Account, positions and assets have the keys of recorded ones, and figures that follow from one another."""

from datetime import date
from decimal import Decimal
from typing import Any

from attrs import evolve

from engine.codec.account import render_account, render_asset, render_contract, render_position
from engine.model.account import Account, Asset, Position
from engine.model.order import AssetClass

STOCK = Asset(id="a", symbol="AAPL", name="Apple", asset_class=AssetClass.US_EQUITY, exchange="NASDAQ")
COIN = evolve(
    STOCK,
    symbol="BTC/USD",
    asset_class=AssetClass.CRYPTO,
    exchange="CRYPTO",
    marginable=False,
    shortable=False,
    easy_to_borrow=False,
    min_order_size=Decimal("0.00001"),
    min_trade_increment=Decimal("1E-9"),
    price_increment=Decimal("0.01"),
)
HELD = Position(
    asset=STOCK,
    qty=Decimal(10),
    cost=Decimal("2011.2"),
    available_qty=Decimal(7),
    price=Decimal("201.45"),
    lastday_price=Decimal("200.1"),
    intraday_cost=Decimal("2011.2"),
)


def test_a_position_is_the_documented_one() -> None:
    assert render_position(HELD) == {
        "asset_id": "a",
        "symbol": "AAPL",
        "exchange": "NASDAQ",
        "asset_class": "us_equity",
        "asset_marginable": True,
        "qty": "10",
        "qty_available": "7",
        "avg_entry_price": "201.12",
        "side": "long",
        "market_value": "2014.5",
        "cost_basis": "2011.2",
        "unrealized_pl": "3.3",
        "unrealized_plpc": "0.0016408114558473",
        "unrealized_intraday_pl": "3.3",
        "unrealized_intraday_plpc": "0.0016408114558473",
        "current_price": "201.45",
        "lastday_price": "200.1",
        "change_today": "0.0067466266866567",
    }


def test_a_short_position_gains_when_the_price_falls() -> None:
    short = evolve(HELD, qty=Decimal(-10), cost=Decimal(-2000), intraday_cost=Decimal(-2000), price=Decimal(190))
    told = render_position(short)
    assert (told["side"], told["qty"], told["market_value"]) == ("short", "-10", "-1900")
    assert (told["unrealized_pl"], told["unrealized_plpc"], told["avg_entry_price"]) == ("100", "0.05", "200")


def test_without_a_price_nothing_is_made_up() -> None:
    told = render_position(evolve(HELD, asset=COIN, price=Decimal(0), lastday_price=Decimal(0)))
    assert told["symbol"] == "BTCUSD"
    assert told["market_value"] is told["current_price"] is told["unrealized_pl"] is None
    assert told.keys() == render_position(HELD).keys()


def test_an_asset_says_what_it_is_and_what_can_be_done_with_it() -> None:
    stock, coin = render_asset(STOCK, has_options=True), render_asset(COIN)
    assert (stock["class"], stock["attributes"]) == ("us_equity", ["fractional_eh_enabled", "has_options"])
    assert "price_increment" not in stock
    assert (coin["class"], coin["min_trade_increment"], coin["margin_requirement_long"]) == (
        "crypto",
        "0.000000001",
        "100",
    )
    assert render_asset(evolve(STOCK, active=False))["status"] == "inactive"
    assert render_asset(evolve(STOCK, easy_to_borrow=False))["borrow_status"] == "hard_to_borrow"
    assert render_asset(evolve(STOCK, shortable=False))["borrow_status"] == "not_shortable"


def test_a_contract_names_its_underlying() -> None:
    contract = evolve(
        STOCK,
        symbol="AAPL260320P00200000",
        underlying="AAPL",
        strike=Decimal("200.0"),
        expires="2026-03-20",
        call=False,
    )
    told = render_contract(evolve(contract, multiplier=Decimal(100)), STOCK)
    assert (told["type"], told["strike_price"], told["size"], told["underlying_asset_id"]) == ("put", "200", "100", "a")


def test_an_account_has_text_for_money_and_no_day_trading_fields() -> None:
    money: dict[str, Any] = {
        each.name: Decimal(1000) for each in Account.__attrs_attrs__ if each.name != "shorting_enabled"
    }
    told = render_account(
        Account(**money | {"short_market_value": Decimal("-200.50")}),
        account_id="i",
        account_number="n",
        created_at="2026-01-02T00:00:00Z",
        as_of=date(2026, 3, 2),
        options_level=3,
        suspended=False,
    )
    assert (told["cash"], told["position_market_value"], told["multiplier"]) == ("1000", "799.5", "1000")
    assert (told["balance_asof"], told["options_trading_level"], told["crypto_tier"]) == ("2026-03-02", 3, 1)
    assert not {"pattern_day_trader", "daytrade_count", "daytrading_buying_power"} & told.keys()
