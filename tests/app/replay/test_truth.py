"""What a replay takes a symbol for, and what it may trade with."""

from decimal import Decimal

from engine.app.replay.truth import MadeUpTruth
from engine.model.order import AssetClass

START_NS = 1_772_461_800_000_000_000
TRUTH = MadeUpTruth(25_000, ("SPY", "MINE", "BTC/USD", "SPY260320C00200000"), START_NS)


async def test_a_slash_is_a_pair_an_occ_symbol_an_option_and_all_else_a_stock_as_they_are() -> None:
    stock, pair, option = [await TRUTH.asset(name) for name in ("MINE", "BTC/USD", "SPY260320C00200000")]
    assert stock is not None
    assert (stock.asset_class, stock.tradable, stock.shortable, stock.fractionable) == (
        AssetClass.US_EQUITY, True, True, True,
    )  # fmt: skip
    assert pair is not None
    assert (pair.asset_class, pair.shortable) == (AssetClass.CRYPTO, False)
    assert option is not None
    assert (option.asset_class, option.strike, option.expires) == (AssetClass.US_OPTION, Decimal(200), "2026-03-20")


async def test_what_is_not_on_the_tape_can_be_asked_for_too() -> None:
    for symbol in ("OTHER", "DOGE/USD", "MINE260320P00010000"):
        asset = await TRUTH.asset(symbol)
        assert asset is not None
        assert asset.symbol == symbol
    assert await TRUTH.asset("") is None


async def test_the_account_begins_with_the_cash_that_was_asked_for() -> None:
    account = await TRUTH.account()
    assert (account.cash, account.equity, account.multiplier) == (Decimal(25_000), Decimal(25_000), Decimal(4))
