"""The books balance to the last digit, and margin asks for what the venue publishes."""

from decimal import Decimal
from typing import Any

import pytest

from engine.core.matching.fees import PAPER_FEES
from engine.core.matching.ledger import AccountTerms, Ledger
from engine.core.rules import Refused
from engine.model.order import ZERO, Side

CALL_230, PUT_230 = "AAPL260320C00230000", "AAPL260320P00230000"


def dollars(*amounts: int | Decimal) -> tuple[Decimal, ...]:
    return tuple(Decimal(amount) for amount in amounts)


def test_a_fresh_account_is_that_of_the_paper_venue(desk: Any) -> None:
    account = desk.ledger.account()
    assert (account.cash, account.equity, account.last_equity) == dollars(100_000, 100_000, 100_000)
    assert (account.buying_power, account.regt_buying_power) == dollars(400_000, 200_000)
    assert account.non_marginable_buying_power == account.options_buying_power == 100_000
    assert desk.ledger.positions() == ()


def test_buying_and_selling_again_leaves_the_profit(desk: Any) -> None:
    assert desk.fill(Side.BUY, "10", "200") == 10
    assert desk.fill(Side.SELL, "10", "201.50") == 0
    assert desk.ledger.account().cash == 100_015
    assert desk.ledger.position("AAPL") is None


def test_a_part_that_is_sold_takes_its_share_of_the_cost_with_it(desk: Any) -> None:
    desk.fill(Side.BUY, "1", "10")
    desk.fill(Side.BUY, "2", "11")
    desk.fill(Side.SELL, "1", "12")
    assert desk.position().cost == Decimal("21.333333334")  # 32 less a third of it, cut at a billionth
    desk.fill(Side.SELL, "2", "12")
    assert desk.ledger.account().cash == 100_004


def test_a_short_position_earns_when_the_price_falls(desk: Any) -> None:
    assert desk.fill(Side.SELL, "10", "200") == -10
    assert (desk.position().cost, desk.position().entry_price) == dollars(-2000, 200)
    desk.ledger.mark("AAPL", Decimal(190))
    account = desk.ledger.account()
    assert (account.cash, account.short_market_value, account.equity) == dollars(102_000, -1900, 100_100)
    desk.fill(Side.BUY, "10", "190")
    assert desk.ledger.account().cash == 100_100


def test_a_fill_that_crosses_zero_closes_one_position_and_opens_another(desk: Any) -> None:
    desk.fill(Side.BUY, "10", "200")
    assert desk.fill(Side.SELL, "15", "210") == -5
    assert (desk.position().cost, desk.position().entry_price) == dollars(-1050, 210)


def test_a_contract_stands_for_a_hundred_shares(desk: Any) -> None:
    desk.fill(Side.BUY, "2", "5.10", CALL_230)
    assert desk.ledger.account().cash == 98_980
    held = desk.position(CALL_230)
    assert (held.cost, held.entry_price, held.market_value) == dollars(1020, Decimal("5.1"), 1020)


def test_coins_pay_their_fee_in_coins_and_keep_the_price_of_the_fill(desk: Any) -> None:
    fee, _ = PAPER_FEES.fee_of(Side.BUY, Decimal("0.1"), Decimal(64_000), desk.assets["BTC/USD"])
    assert desk.fill(Side.BUY, "0.1", "64000", "BTC/USD", str(fee)) == Decimal("0.09975")
    account = desk.ledger.account()
    assert (account.cash, account.equity) == dollars(93_600, 99_984)
    assert desk.position("BTC/USD").entry_price == 64_000


def test_a_fee_in_coins_that_were_not_bought_is_a_bug(desk: Any) -> None:
    with pytest.raises(ValueError, match="without having bought"):
        desk.fill(Side.BUY, "0.1", "64000", "BTC/USD", "0.2")


def test_yesterday_ends_where_a_day_starts(desk: Any) -> None:
    desk.fill(Side.BUY, "10", "200")
    desk.ledger.mark("AAPL", Decimal(210))
    desk.ledger.start_day({"BTC/USD": Decimal(64_000)})
    desk.ledger.mark("AAPL", Decimal(212))
    desk.fill(Side.BUY, "1", "212")
    held, account = desk.position(), desk.ledger.account()
    assert (account.last_equity, account.equity) == dollars(100_100, 100_120)
    assert account.last_maintenance_margin == 630
    assert (held.lastday_price, held.intraday_cost, held.cost) == dollars(210, 2312, 2212)
    desk.fill(Side.BUY, "0.1", "65000", "BTC/USD")
    assert desk.position("BTC/USD").lastday_price == 64_000  # the market's, though nothing was held then


# ---- margin


@pytest.mark.parametrize(
    ("side", "symbol", "qty", "price", "initial", "maintenance"),
    [
        (Side.BUY, "AAPL", "10", "200", "1000", "600"),
        (Side.BUY, "AAPL", "10", "2.40", "12", "24"),
        (Side.BUY, "PNNY", "10", "200", "2000", "2000"),
        (Side.BUY, "BTC/USD", "1", "64000", "64000", "64000"),
        (Side.SELL, "AAPL", "10", "200", "1000", "600"),
        (Side.SELL, "AAPL", "10", "10", "50", "50"),
        (Side.SELL, "AAPL", "10", "4", "20", "40"),
        (Side.SELL, "AAPL", "10", "2", "10", "25"),
        (Side.SELL, PUT_230, "1", "5", "23000", "23000"),
        (Side.BUY, PUT_230, "1", "5", "0", "0"),
    ],
)
def test_margin_is_what_the_venue_publishes(
    desk: Any, side: Side, symbol: str, qty: str, price: str, initial: str, maintenance: str
) -> None:
    desk.fill(side, qty, price, symbol)
    account = desk.ledger.account()
    assert (account.initial_margin, account.maintenance_margin) == (Decimal(initial), Decimal(maintenance))


def test_a_position_binds_its_multipliers_share_of_the_buying_power(desk: Any) -> None:
    desk.fill(Side.BUY, "1000", "200")
    assert desk.power == 200_000
    desk.ledger.mark("AAPL", Decimal(50))  # 150,000 of 100,000 lost: nothing is left, and not less than nothing
    account = desk.ledger.account()
    assert account.buying_power == account.regt_buying_power == account.non_marginable_buying_power == 0


def test_below_2000_dollars_there_is_no_margin() -> None:
    account = Ledger(AccountTerms(cash=Decimal(1999))).account()
    assert (account.multiplier, account.buying_power) == dollars(1, 1999)
    assert not account.shorting_enabled


def test_coins_and_contracts_are_not_bought_with_borrowed_money(desk: Any) -> None:
    desk.fill(Side.BUY, "400", "200")
    account = desk.ledger.account()
    assert account.buying_power == 320_000
    assert account.non_marginable_buying_power == 20_000
    desk.admit(desk.order(Side.BUY, "0.3125", "64000", "BTC/USD"))
    with pytest.raises(Refused, match="insufficient options buying power"):
        desk.admit(desk.order(Side.BUY, "1", "0.01", CALL_230, "two"))


def test_what_was_received_for_stock_sold_short_buys_no_coins(desk: Any) -> None:
    desk.fill(Side.SELL, "100", "200")
    account = desk.ledger.account()
    assert (account.cash, account.non_marginable_buying_power) == dollars(120_000, 95_000)
    desk.fill(Side.BUY, "1000", "100", "AMD")
    account = desk.ledger.account()
    assert (account.cash, account.non_marginable_buying_power) == dollars(20_000, 0)


def test_marking_a_symbol_that_is_not_held_changes_nothing(desk: Any) -> None:
    before = desk.ledger.account()
    desk.ledger.mark("AAPL", Decimal(1))
    assert desk.ledger.account() == before
    assert desk.ledger.imbalance() == desk.ledger.drift("AAPL") == ZERO
