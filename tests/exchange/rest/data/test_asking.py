"""A parameter is read as Alpaca reads it, and one that cannot be read is a 400 and never a guess."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engine.codec.wire import Family
from engine.exchange.rest.data.asking import (
    BadRequest,
    check_extras,
    read_adjustment,
    read_choice,
    read_date,
    read_descending,
    read_flag,
    read_limit,
    read_moment,
    read_price,
    read_symbols,
)
from engine.model.instant import parse_instant
from engine.model.order import ZERO

CONTRACT = "AAPL260320C00200000"


@pytest.mark.parametrize(
    ("family", "text", "symbols"),
    [
        (Family.STOCKS, "MSFT,AAPL, MSFT,,", ("AAPL", "MSFT")),
        (Family.CRYPTO, "SUSHI/USD,BAT/USD", ("BAT/USD", "SUSHI/USD")),
        (Family.OPTIONS, CONTRACT, (CONTRACT,)),
    ],
)
def test_symbols_are_each_once_and_in_order(family: Family, text: str, symbols: tuple[str, ...]) -> None:
    assert read_symbols({"symbols": text}, family) == symbols


@pytest.mark.parametrize("single", ["", " ", " AAPL", "AAPL\r\nX: y ", "*"])
def test_a_symbol_of_a_path_is_taken_as_it_is_or_refused(single: str) -> None:
    assert read_symbols({}, Family.STOCKS, "AAPL") == ("AAPL",)
    with pytest.raises(BadRequest, match="symbol"):
        read_symbols({}, Family.STOCKS, single)


@pytest.mark.parametrize(
    ("family", "text"),
    [
        (Family.STOCKS, ""), (Family.STOCKS, "*"), (Family.STOCKS, "BTC/USD"), (Family.STOCKS, CONTRACT),
        (Family.CRYPTO, "BTCUSD"), (Family.CRYPTO, "AAPL"), (Family.OPTIONS, "AAPL"),
        (Family.STOCKS, ",".join(f"S{n}" for n in range(1001))),
        (Family.OPTIONS, ",".join(f"S260320C{n:08}" for n in range(101))),
    ],
)  # fmt: skip
def test_symbols_of_another_family_and_too_many_are_refused(family: Family, text: str) -> None:
    with pytest.raises(BadRequest, match="symbol"):
        read_symbols({"symbols": text}, family)


@pytest.mark.parametrize(
    ("name", "text", "utc", "instant"),
    [
        ("start", "2026-03-02", False, "2026-03-02T05:00:00Z"),
        ("end", "2026-03-02", False, "2026-03-03T04:59:59.999999999Z"),
        ("start", "2026-03-02", True, "2026-03-02T00:00:00Z"),
        ("start", "2026-03-02T09:30:00.5-05:00", False, "2026-03-02T14:30:00.5Z"),
    ],
)
def test_a_date_is_a_day_where_the_asset_trades(name: str, text: str, utc: bool, instant: str) -> None:
    assert read_moment({name: text}, name, 7, utc=utc) == parse_instant(instant)
    assert read_moment({}, name, 7) == 7


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (None, set()), ("raw", set()), ("split", {"split"}), ("split,dividend", {"split", "dividend"}),
        ("all", {"split", "dividend", "spin-off"}), ("spin-off", {"spin-off"}),
    ],
)  # fmt: skip
def test_adjustments_combine(text: str | None, kinds: set[str]) -> None:
    assert read_adjustment({} if text is None else {"adjustment": text}) == kinds


def test_what_is_read_well() -> None:
    assert (read_limit({}), read_limit({"limit": "7"}), read_limit({"top": "3"}, 10, 50, "top")) == (1000, 7, 3)
    assert (read_descending({}), read_descending({"sort": "desc"}), read_descending({}, "desc")) == (False, True, True)
    assert (read_flag({"x": "True"}, "x"), read_flag({}, "x")) == (True, False)
    assert (read_price({"x": "1.5"}, "x", ZERO), read_price({}, "x", ZERO)) == (Decimal("1.5"), ZERO)
    assert read_date({"x": "2026-03-02T10:00:00Z"}, "x", date.max) == date(2026, 3, 2)
    check_extras({"currency": "USD", "asof": "-"})
    check_extras({"asof": "2025-01-01"})


@pytest.mark.parametrize(
    ("read", "asked"),
    [
        (read_limit, {"limit": "0"}), (read_limit, {"limit": "10001"}), (read_limit, {"limit": "٣"}),
        (read_descending, {"sort": "up"}), (read_adjustment, {"adjustment": "split,magic"}),
        (check_extras, {"currency": "EUR"}), (check_extras, {"currency": "dollars"}), (check_extras, {"asof": "soon"}),
        (lambda asked: read_moment(asked, "start", 0), {"start": "yesterday"}),
        (lambda asked: read_date(asked, "x", date.min), {"x": "2026-02-30"}),
        (lambda asked: read_flag(asked, "x"), {"x": "maybe"}),
        (lambda asked: read_price(asked, "x", ZERO), {"x": "ten"}),
        (lambda asked: read_price(asked, "x", ZERO), {"x": "nan"}),
        (lambda asked: read_choice(asked, "feed", frozenset({"sip"}), "sip"), {"feed": "pigeon"}),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(read: Callable[..., Any], asked: Mapping[str, str]) -> None:
    with pytest.raises(BadRequest):
        read(asked)
