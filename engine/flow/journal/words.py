"""The arguments of a call as canonical JSON: the same call, the same words, however it was written.

``10``, ``"10"``, ``10.0`` and ``Decimal("10")`` are one quantity. What has its default is left out.
"""

import json
import math
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from engine.core.amounts import exact
from engine.core.rules import plain

NUMBERS: Final = frozenset(
    {
        "qty", "notional", "limit", "stop", "trail", "trail_percent", "take_profit", "stop_loss", "stop_loss_limit",
    }
)  # fmt: skip
DEFAULTS: Final[Mapping[str, object]] = {
    "extended_hours": False,
    "late_ok": False,
    "gaps": False,
    "full": "block",
    "warmup": 0,
    "on_exit": "cancel",
}


def render_words(words: Mapping[str, Any]) -> str:
    """One line of JSON with sorted keys.

    >>> render_words({"symbol": "SPY", "qty": 10.0, "limit": None, "late_ok": False})
    '{"qty":"10","symbol":"SPY"}'
    """
    told = {
        name: render_number(word) if name in NUMBERS else _word(word)
        for name, word in words.items()
        if word is not None and not (name in DEFAULTS and DEFAULTS[name] == word)
    }
    return json.dumps(told, separators=(",", ":"), sort_keys=True)


def render_number(number: Any) -> str:
    """A number exactly as text; what is none, as it was written."""
    if isinstance(number, float) and math.isfinite(number):
        return plain(exact(number))
    try:
        amount = number if isinstance(number, Decimal) else Decimal(str(number))
    except InvalidOperation:
        return str(number)
    return plain(amount) if amount.is_finite() else str(number)


def _word(word: Any) -> Any:
    if isinstance(word, bool | int):
        return word
    if isinstance(word, float):
        return int(word) if word.is_integer() else word
    if isinstance(word, list | tuple):
        return [_word(each) for each in word]
    return str(word)
