"""Orders at random: mostly sensible, and then with a word or number in them that may not be."""

from collections.abc import Mapping
from random import Random
from typing import Any, Final

DEFECTS_MAX: Final = 3
CALLS: Final = ("AAPL260320C00230000", "AAPL260320C00240000", "AAPL260320P00230000")
STRANGE: Final = ("ZZZZ", "GONE", "NOTR", "AAPL260320C00999000", "AAPL200117C00100000")
"""Symbols that cannot be traded, each for a reason of its own."""
QTYS: Final = ("1", "2", "10", "0", "-1", "1.5", "0.01", "0.0001", "0.0000000001", "1000000000000", None)
NOTIONALS: Final = ("10", "100.25", "0.5", "0", "10.001", None)
TYPES: Final = ("market", "limit", "stop", "stop_limit", "trailing_stop")
TIMES: Final = ("day", "gtc", "opg", "cls", "ioc", "fok")
CLASSES: Final = ("simple", "bracket", "oco", "oto", "mleg", None)
INTENTS: Final = ("buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close", None)
AWAY: Final = (0.5, 0.9, 0.99, 1.0, 1.01, 1.1, 2.0)
"""Prices, as shares of the market's."""


def random_body(dice: Random, prices: Mapping[str, float]) -> dict[str, Any]:
    """One order that may be right, with up to `DEFECTS_MAX` fields changed at random."""
    body = _sound(dice, prices)
    for _ in range(dice.randint(0, DEFECTS_MAX)):
        field, value = _change(dice, prices, body)
        body[field] = value
    return {field: value for field, value in body.items() if value is not None}


def _sound(dice: Random, prices: Mapping[str, float]) -> dict[str, Any]:
    symbol = dice.choice(sorted(prices))
    coin, option = "/" in symbol, symbol in CALLS
    if option and dice.random() < 0.3:
        return {"qty": "1", "type": "limit", "limit_price": "3.00", "time_in_force": "day", **_several(dice)}
    body: dict[str, Any] = {
        "symbol": symbol,
        "qty": "0.01" if coin else "1",
        "side": dice.choice(("buy", "sell")),
        "type": dice.choice(("market", "limit", "stop_limit") if coin else TYPES[:2] if option else TYPES),
        "time_in_force": dice.choice(("gtc", "ioc") if coin else ("day",) if option else ("day", "gtc")),
    }
    if body["type"] in ("limit", "stop_limit"):
        body["limit_price"] = _price(dice, prices[symbol])
    if body["type"] in ("stop", "stop_limit"):
        body["stop_price"] = _price(dice, prices[symbol])
    if body["type"] == "trailing_stop":
        body[dice.choice(("trail_price", "trail_percent"))] = "1"
    if not coin and not option and dice.random() < 0.4:
        body |= _exits(dice, prices[symbol])
    return body


def _change(dice: Random, prices: Mapping[str, float], body: Mapping[str, Any]) -> tuple[str, Any]:
    market = prices.get(body.get("symbol", ""), 100.0)
    changes: tuple[tuple[str, Any], ...] = (
        ("symbol", dice.choice((*sorted(prices), *STRANGE, None))),
        ("qty", dice.choice(QTYS)),
        ("notional", dice.choice(NOTIONALS)),
        ("type", dice.choice(TYPES)),
        ("time_in_force", dice.choice(TIMES)),
        ("order_class", dice.choice(CLASSES)),
        ("extended_hours", dice.choice((True, None))),
        ("limit_price", dice.choice((_price(dice, market), "0", "-1", "230.001", "0.12345", None))),
        ("stop_price", dice.choice((_price(dice, market), "0", "0.55555", None))),
        ("trail_price", dice.choice(("1", "0", "0.001", None))),
        ("trail_percent", dice.choice(("1", "0.05", None))),
        ("take_profit", dice.choice(({"limit_price": _price(dice, market)}, None))),
        ("stop_loss", dice.choice(({"stop_price": _price(dice, market)}, {"limit_price": "1"}, None))),
        ("position_intent", dice.choice(INTENTS)),
        ("client_order_id", dice.choice(("x" * 129, None))),
        ("legs", dice.choice((_several(dice)["legs"], None))),
    )
    return dice.choice([each for each in changes if each != ("symbol", None) or body.get("order_class") == "mleg"])


def _price(dice: Random, market: float) -> str:
    return f"{market * dice.choice(AWAY):.{dice.choice((2, 2, 2, 3, 4))}f}"


def _exits(dice: Random, market: float) -> dict[str, Any]:
    up, down = f"{market * 1.05:.2f}", f"{market * 0.95:.2f}"
    if dice.random() < 0.5:
        up, down = down, up
    both = {"take_profit": {"limit_price": up}, "stop_loss": {"stop_price": down}}
    kind = dice.choice(("bracket", "oto", "oco"))
    if kind == "oto":
        name = dice.choice(sorted(both))
        return {"order_class": kind, name: both[name]}
    return {"order_class": kind, **both}


def _several(dice: Random) -> dict[str, Any]:
    """Legs, and what an order of several has in place of a symbol."""
    count = dice.choice((2, 2, 2, 3, 1, 5))
    legs = [
        {
            "symbol": dice.choice((*CALLS, *CALLS, "MSFT260320C00420000", "ZZZZ")),
            "ratio_qty": dice.choice(("1", "1", "1", "2", "0.5", "0")),
            "side": dice.choice(("buy", "sell")),
        }
        for _ in range(count)
    ]
    return {"order_class": "mleg", "legs": legs}
