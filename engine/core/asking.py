"""What a strategy wrote, as an order: exact numbers, the type from the prices, the class from the exits.

A strategy says ``buy("SPY", 10, limit=500.1)`` and means a limit order for ten shares at 500.10, not at the binary
fraction next to it. All of the guessing is here, and there is little: a float means its shortest decimal, and what is
no number, not finite or not above zero is refused with the name of what was written. Whether the venue would take the
order is for `engine.core.rules` to say.
"""

import math
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from operator import index
from typing import Final, TypeAlias, TypedDict

from engine.core.amounts import exact
from engine.core.rules import Rule
from engine.core.rules.options import names_contract
from engine.errors import OrderRefused
from engine.model.order import AssetClass, OrderClass, OrderRequest, OrderType, Side, TimeInForce

Written: TypeAlias = Decimal | int | float | str
"""A number as people write it."""

NOT_A_NUMBER: Final = "not_a_number"
"""The rule that a text or a NaN breaks: the venue has none for it, since it never gets there."""

_RULES: Final = {
    "qty": Rule.QTY_POSITIVE,
    "notional": Rule.NOTIONAL_MINIMUM,
    "limit": Rule.LIMIT_PRICE_POSITIVE,
    "stop": Rule.STOP_PRICE_POSITIVE,
    "trail": Rule.TRAIL_PRICE_POSITIVE,
    "trail_percent": Rule.TRAIL_PERCENT_MINIMUM,
    "take_profit": Rule.LIMIT_PRICE_POSITIVE,
    "stop_loss": Rule.STOP_PRICE_POSITIVE,
    "stop_loss_limit": Rule.LIMIT_PRICE_POSITIVE,
}


class Terms(TypedDict, total=False):
    """What can be said of an order beside symbol, side and quantity; see `engine.ports.Context.buy`."""

    notional: Written | None
    limit: Written | None
    stop: Written | None
    trail: Written | None
    trail_percent: Written | None
    take_profit: Written | None
    stop_loss: Written | None
    stop_loss_limit: Written | None
    tif: TimeInForce | str | None
    extended_hours: bool


_SAID_OTHERWISE: Final = {
    "quantity": "qty",
    "limit_price": "limit",
    "price": "limit",
    "stop_price": "stop",
    "trail_price": "trail",
    "time_in_force": "tif",
}
"""What Alpaca's API and other libraries call these terms."""
_PAIR_LETTERS_MIN: Final = 6
"""A pair without its slash, such as BTCUSD, has no fewer letters; a stock's symbol has five of them at the most."""


def check_words(method: str, words: Iterable[str]) -> None:
    """Raise `TypeError` for a keyword that ``ctx.buy`` and ``ctx.sell`` do not have, naming the nearest one they do."""
    known = ("qty", *Terms.__annotations__, "within", "late_ok")
    for word in words:
        if word in known:
            continue
        nearest = _SAID_OTHERWISE.get(word) or next(iter(get_close_matches(word, known, n=1)), "")
        hint = f"did you mean {nearest!r}?" if nearest else f"it has {', '.join(known)}."
        raise TypeError(f"ctx.{method} has no argument {word!r}: {hint}")


def may_be_pair(symbol: str) -> bool:
    """Whether a symbol may be a pair that was written without its slash: only the venue can say.

    >>> may_be_pair("BTCUSD"), may_be_pair("BTC/USD"), may_be_pair("GOOGL")
    (True, False, False)
    """
    return len(symbol) >= _PAIR_LETTERS_MIN and symbol.isascii() and symbol.isalpha()


def parse_number(value: Written, field: str) -> Decimal:
    """A number exactly as written; raises `OrderRefused` for what is none, or is not finite.

    >>> parse_number(0.1, "qty"), parse_number("1e3", "qty")
    (Decimal('0.1'), Decimal('1E+3'))
    """
    number: Decimal | None = None
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, str):
        with suppress(InvalidOperation):
            number = Decimal(value)
    elif isinstance(value, float):
        number = exact(float(value)) if math.isfinite(value) else None  # numpy's floats are floats that write otherwise
    elif not isinstance(value, bool):
        with suppress(TypeError):  # whatever else a strategy hands in
            number = Decimal(index(value))
    if number is None or not number.is_finite():
        raise OrderRefused(f"{field}={value!r} is not a finite number", rule=NOT_A_NUMBER)
    return number


def parse_amount(value: Written | None, field: str) -> Decimal | None:
    """A quantity, price or sum, which has to be above zero; ``None`` stays. Raises `OrderRefused`."""
    if value is None:
        return None
    number = parse_number(value, field)
    if number <= 0:
        raise OrderRefused(f"{field}={value!r} must be above 0", rule=_RULES[field].name.lower())
    return number


def parse_symbol(symbol: object) -> str:
    """A symbol, which is text and not empty. Raises `OrderRefused`."""
    if not isinstance(symbol, str) or not symbol:
        raise OrderRefused(f"symbol={symbol!r} names nothing to trade", rule=Rule.ASSET_UNKNOWN.name.lower())
    return symbol


def parse_within(within: object) -> float | None:
    """How long an order may be on its way, in seconds above zero; ``None`` stays. Raises `OrderRefused`."""
    if within is None:
        return None
    if isinstance(within, bool) or not isinstance(within, float | int) or not 0 < within < math.inf:
        raise OrderRefused(f"within={within!r} is not a number of seconds above 0", rule=NOT_A_NUMBER)
    return float(within)


def class_of(symbol: str) -> AssetClass:
    """The family that a symbol's form tells: pairs have a slash, contracts have 15 characters behind their root."""
    if "/" in symbol:
        return AssetClass.CRYPTO
    return AssetClass.US_OPTION if names_contract(symbol) else AssetClass.US_EQUITY


def default_time(symbol: str) -> TimeInForce:
    """How long an order works unless said otherwise: crypto has no days (``gtc``), the rest is for the day."""
    return TimeInForce.GTC if class_of(symbol) is AssetClass.CRYPTO else TimeInForce.DAY


def build_request(
    symbol: str,
    side: Side,
    qty: Written | None = None,
    *,
    notional: Written | None = None,
    limit: Written | None = None,
    stop: Written | None = None,
    trail: Written | None = None,
    trail_percent: Written | None = None,
    take_profit: Written | None = None,
    stop_loss: Written | None = None,
    stop_loss_limit: Written | None = None,
    tif: TimeInForce | str | None = None,
    extended_hours: bool = False,
) -> OrderRequest:
    """The order that this asks for. Raises `OrderRefused` for numbers that are none and words that are unknown.

    What contradicts itself (a quantity and a notional, a limit beside a trail) is passed on as it is: the venue's own
    rules name it.
    """
    exits = (take_profit, stop_loss, stop_loss_limit)
    return OrderRequest(
        symbol=parse_symbol(symbol),
        side=side,
        type=_type_of(limit=limit, stop=stop, trails=(trail, trail_percent)),
        time_in_force=default_time(symbol) if tif is None else _parse_time(tif),
        qty=parse_amount(qty, "qty"),
        notional=parse_amount(notional, "notional"),
        limit_price=parse_amount(limit, "limit"),
        stop_price=parse_amount(stop, "stop"),
        trail_price=parse_amount(trail, "trail"),
        trail_percent=parse_amount(trail_percent, "trail_percent"),
        extended_hours=extended_hours,
        order_class=_class_of_exits(exits),
        take_profit_limit=parse_amount(take_profit, "take_profit"),
        stop_loss_stop=parse_amount(stop_loss, "stop_loss"),
        stop_loss_limit=parse_amount(stop_loss_limit, "stop_loss_limit"),
    )


def _type_of(
    *, limit: Written | None, stop: Written | None, trails: tuple[Written | None, Written | None]
) -> OrderType:
    if trails != (None, None):
        return OrderType.TRAILING_STOP
    if stop is not None:
        return OrderType.STOP if limit is None else OrderType.STOP_LIMIT
    return OrderType.MARKET if limit is None else OrderType.LIMIT


def _class_of_exits(exits: tuple[Written | None, Written | None, Written | None]) -> OrderClass:
    take_profit, stop_loss, _ = exits
    if exits == (None, None, None):
        return OrderClass.SIMPLE
    return OrderClass.OTO if take_profit is None or stop_loss is None else OrderClass.BRACKET


def _parse_time(tif: TimeInForce | str) -> TimeInForce:
    try:
        return TimeInForce(tif)
    except ValueError:
        known = ", ".join(TimeInForce)
        raise OrderRefused(f"tif={tif!r} is none of {known}", rule="time_in_force") from None
