"""Of the list of activities, what cost dollars is read, each with its day; what cost none is passed over."""

import json
from decimal import Decimal
from typing import Any

import pytest

from engine.codec.parse_orders import Unreadable, parse_fees, read_json
from engine.model.account import AccountFee

CHARGED = {
    "id": "20250804000000000::72440196-d092-4674-975c-af23699c2726",
    "activity_type": "FEE",
    "activity_sub_type": "TAF",
    "date": "2025-08-04",
    "created_at": "2025-08-05T00:15:29.134855Z",
    "net_amount": "-0.01",
    "symbol": None,
    "description": "TAF fee for proceed of 2 shares (1 trades) on 2025-08-04",
    "status": "executed",
    "currency": "USD",
}
"""The form of a row on a live account; 00:15 UTC is 20:15 in New York, on the day itself."""
LAST_NS = 1_754_366_399 * 10**9
"""2025-08-04T23:59:59-04:00."""
COINS = {
    "id": "20220812000000000::53be51ba-46f9-43de-b81f-576f241dc680",
    "activity_type": "CFEE",
    "date": "2022-08-12",
    "net_amount": "0",
    "symbol": "ETHUSD",
    "qty": "-0.000195",
    "price": "1884.5",
    "status": "executed",
}
"""Alpaca's docs, "Crypto Spot Trading Fees": paid in coins."""


def read(*rows: Any) -> tuple[tuple[AccountFee, ...], str, int]:
    return parse_fees(read_json(json.dumps(rows).encode()))


def test_a_charge_for_the_day_is_read_with_the_instant_it_was_made() -> None:
    (fee,), mark, rows = read(CHARGED)
    assert fee == AccountFee(
        id=str(CHARGED["id"]),
        amount=Decimal("0.01"),
        ts_ns=1_754_352_929_134_855_000,
        what="TAF fee for proceed of 2 shares (1 trades) on 2025-08-04",
    )
    assert (mark, rows) == (CHARGED["id"], 1)


@pytest.mark.parametrize(
    "change",
    [{"created_at": None}, {"created_at": "2025-08-07T12:00:00Z"}, {"date": "2025-08-04T00:00:00", "created_at": None}],
)
def test_a_charge_that_was_made_later_lies_in_the_day_it_is_for(change: dict[str, Any]) -> None:
    (fee,), _, _ = read(CHARGED | change)
    assert fee.ts_ns == LAST_NS


def test_a_charge_on_coins_that_were_sold_has_their_pair_and_what_it_is_grouped_by() -> None:
    told = CHARGED | {"activity_type": "CFEE", "symbol": "BTCUSD", "group_id": "order-1", "net_amount": -0.125}
    (fee,), _, _ = read(told)
    assert (fee.symbol, fee.order_id, fee.amount) == ("BTC/USD", "order-1", Decimal("0.125"))


def test_what_cost_no_dollars_is_counted_and_passed_over() -> None:
    others = (
        COINS,
        CHARGED | {"status": "canceled"},
        CHARGED | {"net_amount": "0.01"},
        CHARGED | {"net_amount": None},
        CHARGED | {"currency": "EUR"},
        CHARGED | {"activity_type": "DIV", "net_amount": "-1"},
    )
    assert read(*others) == ((), CHARGED["id"], len(others))
    assert read() == ((), "", 0)


@pytest.mark.parametrize(
    "change", [{"id": ""}, {"date": None}, {"date": "soon"}, {"date": "9999-12-31"}, {"net_amount": "much"}]
)
def test_half_a_charge_is_unreadable(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read(CHARGED | change)
