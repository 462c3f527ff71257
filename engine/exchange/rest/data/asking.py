"""The parameters of market-data requests, read and refused in one place.

Alpaca answers 400 to a parameter that it cannot read, and so must whoever stands in for it: a client whose misspelt
``sort`` is quietly ignored works here and fails there. What is read but changes nothing on this exchange says so below.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from engine.codec.wire import Family
from engine.core.bars import is_crypto
from engine.exchange.clock import NEW_YORK, instant_of
from engine.exchange.contracts import is_contract
from engine.exchange.rest.tokens import decode_token
from engine.model.instant import parse_instant

LIMIT_DEFAULT: Final = 1000
LIMIT_MAX: Final = 10_000
SYMBOLS_MAX: Final = 1000
CONTRACTS_MAX: Final = 100
LATEST_ONLY: Final = frozenset({"delayed_sip", "overnight"})
STOCK_FEEDS: Final = frozenset({"sip", "iex", "otc", "boats"})
"""Feeds of stocks with history; the two above have only a latest."""
OPTION_FEEDS: Final = frozenset({"opra", "indicative"})
ADJUSTMENTS: Final = frozenset({"raw", "split", "dividend", "spin-off", "all"})
LOCATIONS: Final = frozenset({"us", "us-1", "us-2", "eu-1", "bs-1", "global"})
"""Where crypto is traded. All of them tell the same market here."""
FLAGS: Final[Mapping[str, bool]] = {"true": True, "false": False, "1": True, "0": False}

_CURRENCY: Final = re.compile("[A-Z]{3}", re.ASCII)


class BadRequest(ValueError):
    """A parameter is wrong: HTTP 400 with this text."""


class NotForPlan(Exception):
    """What is asked for is more recent than the plan allows, or of a feed that it lacks: HTTP 403."""


def read_symbols(asked: Mapping[str, str], family: Family, single: str | None = None) -> tuple[str, ...]:
    """The symbols asked for, each once, in the venue's order, which is not the order of asking.

    A ``single`` one, out of a path, is returned as it was sent or refused.
    """
    if single is not None and single != single.strip():
        raise BadRequest(f"invalid symbol: {single}")
    named = [single] if single is not None else asked.get("symbols", "").split(",")
    symbols = sorted({name.strip() for name in named if name.strip()})
    if not symbols:
        raise BadRequest("symbols is required")
    most = CONTRACTS_MAX if family is Family.OPTIONS else SYMBOLS_MAX
    if len(symbols) > most:
        raise BadRequest(f"too many symbols: {len(symbols)}, the most is {most}")
    for symbol in symbols:
        if symbol == "*" or not _belongs(symbol, family):
            raise BadRequest(f"invalid symbol: {symbol}")
    return tuple(symbols)


def _belongs(symbol: str, family: Family) -> bool:
    if family is Family.OPTIONS:
        return is_contract(symbol)
    if family is Family.CRYPTO:
        return is_crypto(symbol)
    return not (is_crypto(symbol) or is_contract(symbol))


def read_limit(
    asked: Mapping[str, str], default: int = LIMIT_DEFAULT, most: int = LIMIT_MAX, name: str = "limit"
) -> int:
    """A number of rows, from 1 to ``most``."""
    text = asked.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= most):
        raise BadRequest(f"invalid {name}: it must be from 1 to {most}")
    return int(text)


def read_choice(asked: Mapping[str, str], name: str, choices: frozenset[str], default: str) -> str:
    """One of some words."""
    text = asked.get(name) or default
    if text not in choices:
        raise BadRequest(f"invalid {name}: {text}")
    return text


def read_descending(asked: Mapping[str, str], default: str = "asc") -> bool:
    """Whether ``sort`` asks for the newest first."""
    return read_choice(asked, "sort", frozenset({"asc", "desc"}), default) == "desc"


def read_moment(asked: Mapping[str, str], name: str, default_ns: int, *, utc: bool = False) -> int:
    """RFC 3339, or a date: its first instant for ``start``, its last for ``end``, in New York unless ``utc``."""
    text = asked.get(name)
    if not text:
        return default_ns
    try:
        if len(text) > len("2026-03-02"):
            return parse_instant(text)
        day = datetime.combine(date.fromisoformat(text), time(), UTC if utc else NEW_YORK)
        return instant_of(day) if name == "start" else instant_of(day + timedelta(days=1)) - 1
    except ValueError:
        raise BadRequest(f"invalid {name}: {text} is neither RFC 3339 nor a date") from None


def read_date(asked: Mapping[str, str], name: str, default: date) -> date:
    """A date; of a full instant its day."""
    text = asked.get(name)
    try:
        return date.fromisoformat(text[:10]) if text else default
    except ValueError:
        raise BadRequest(f"invalid {name}: {text} is not a date such as 2026-03-02") from None


def read_flag(asked: Mapping[str, str], name: str) -> bool:
    """A yes or no, which is no where it is not given."""
    text = (asked.get(name) or "false").lower()
    if text not in FLAGS:
        raise BadRequest(f"invalid {name}: {text}")
    return FLAGS[text]


def read_contract_token(asked: Mapping[str, str]) -> str:
    """The contract behind which a page of contracts begins; empty for the first page."""
    try:
        symbol = decode_token(asked.get("page_token", ""))
    except ValueError as error:
        raise BadRequest(str(error)) from None
    if symbol and not is_contract(symbol):
        raise BadRequest("invalid page_token")
    return symbol


def read_price(asked: Mapping[str, str], name: str, default: Decimal) -> Decimal:
    """A price in dollars."""
    text = asked.get(name)
    if not text:
        return default
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise BadRequest(f"invalid {name}: {text}") from None
    if not price.is_finite():
        raise BadRequest(f"invalid {name}: {text}")
    return price


def read_adjustment(asked: Mapping[str, str]) -> frozenset[str]:
    """What bars are adjusted for: any of ``split``, ``dividend`` and ``spin-off``; ``all`` is all of them."""
    words = frozenset((asked.get("adjustment") or "raw").split(","))
    if not words <= ADJUSTMENTS:
        raise BadRequest(f"invalid adjustment: {asked['adjustment']}")
    return (ADJUSTMENTS if "all" in words else words) - {"raw", "all"}


def check_extras(asked: Mapping[str, str]) -> None:
    """Read ``currency`` and ``asof``, neither of which changes a row here.

    Prices are dollars, and this exchange has no rates to make them anything else, so another currency is refused
    rather than told wrongly. No symbol has ever had another name, so any date of ``asof`` means the same.
    """
    currency, asof = asked.get("currency"), asked.get("asof")
    if currency and not _CURRENCY.fullmatch(currency):
        raise BadRequest(f"invalid currency: {currency}")
    if currency and currency != "USD":
        raise BadRequest(f"currency {currency} is not supported: this exchange tells prices in USD only")
    if asof and asof != "-":
        read_date(asked, "asof", date.min)
