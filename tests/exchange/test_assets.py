"""The catalogue holds what the market tells of and what is there to be refused, by symbol, id or bare pair."""

from decimal import Decimal

import pytest

from engine.exchange.assets import SPECIAL, START_NS, build_assets, id_of
from engine.exchange.contracts import parse_contract
from engine.exchange.serve import START
from engine.model.instant import NS_PER_S
from engine.model.order import AssetClass

ASSETS = build_assets(["AAPL", "BTC/USD", "ZZZ", "XYZ/EUR"])


def test_the_default_start_is_that_of_a_made_market() -> None:
    assert START.timestamp() * NS_PER_S == START_NS


def test_what_the_market_tells_of_is_in_it_even_if_nobody_knows_it() -> None:
    assert ASSETS["ZZZ"].asset_class is AssetClass.US_EQUITY
    assert ASSETS["XYZ/EUR"].asset_class is AssetClass.CRYPTO
    assert "NOPE" not in ASSETS and ASSETS.get("NOPE") is None


def test_an_asset_is_found_by_symbol_id_and_bare_pair_and_counted_once() -> None:
    pair = ASSETS["BTC/USD"]
    assert ASSETS["BTCUSD"] is ASSETS[pair.id] is pair
    assert list(ASSETS) == sorted(ASSETS)
    assert len(ASSETS) == len(set(ASSETS)) and "BTCUSD" not in list(ASSETS)
    assert len({asset.id for asset in ASSETS.values()}) == len(ASSETS)


def test_ids_are_the_same_in_every_run() -> None:
    assert ASSETS["AAPL"].id == id_of("AAPL") == "2f98508d-6fd9-5120-8e84-72078d6de304"


@pytest.mark.parametrize(
    ("symbol", "is_not"),
    [
        ("WHOL", "fractionable"), ("NSHT", "shortable"), ("HTBR", "easy_to_borrow"), ("GONE", "active"),
        ("NOTR", "tradable"),
    ],
)  # fmt: skip
def test_on_any_market_there_is_a_stock_that_each_rule_refuses(symbol: str, is_not: str) -> None:
    asset = build_assets([])[symbol]
    assert getattr(asset, is_not) is False
    assert getattr(build_assets([])["AAPL"], is_not) is True


def test_hard_to_borrow_is_still_shortable_and_everything_but_the_delisted_one_is_active() -> None:
    assert ASSETS["HTBR"].shortable and not ASSETS["NSHT"].easy_to_borrow
    assert [symbol for symbol in SPECIAL if not ASSETS[symbol].active] == ["GONE"]


def test_crypto_has_the_venues_increments_and_no_leverage() -> None:
    pair = ASSETS["BTC/USD"]
    assert (pair.min_order_size, pair.price_increment) == (Decimal("0.00001"), Decimal("0.01"))
    assert pair.min_trade_increment == Decimal("0.000000001")
    assert (pair.marginable, pair.shortable, pair.fractionable) == (False, False, True)


def test_stocks_of_the_market_that_have_a_price_get_options_and_no_others_do() -> None:
    options = [asset for asset in ASSETS.values() if asset.asset_class is AssetClass.US_OPTION]
    assert {asset.underlying for asset in options} == {"AAPL"}
    assert len(options) == 66
    for asset in options:
        contract = parse_contract(asset.symbol)
        assert contract is not None
        assert (contract.strike, contract.call) == (asset.strike, asset.call)
        assert contract.expires.isoformat() == asset.expires
        assert asset.multiplier == 100
    named = ASSETS["AAPL260320C00230000"]
    assert (named.name, named.expires) == ("AAPL Mar 20 2026 230 Call", "2026-03-20")
    priced = build_assets(["ZZZ"], prices={"ZZZ": 3.3})
    assert "ZZZ260306P00003500" in priced
