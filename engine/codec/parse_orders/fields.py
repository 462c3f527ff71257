"""Fields of a JSON object, each as what it has to be: what all readers of the trading API are made of.

The venue writes numbers as text and has also been seen to write them as JSON numbers; both become a `Decimal` of
exactly the digits that were sent. A number with a thousand digits or an exponent of a million would cost us minutes, so
what no price or quantity can be is refused.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec

from engine.model.instant import parse_instant
from engine.model.order import ZERO

EXPONENT_MAX: Final = 30
"""Digits before or behind the point: more than any price or quantity has."""
NUMBER_CHARS_MAX: Final = 64
"""Twice `EXPONENT_MAX` with sign and point."""
EXCERPT_CHARS: Final = 40
"""Of a value that could not be read, so much is quoted: enough to recognise it, and no log is flooded."""
ROWS_MAX: Final = 10_000
"""Far above any page of the trading API; a list that is longer is not one of its lists."""

_Word = TypeVar("_Word", bound=StrEnum)
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


class Unreadable(ValueError):
    """A body that is not what it should be. The sentence says which field and why; it is no answer to anything."""


def read_json(body: bytes) -> Any:
    """The JSON of a body, numbers with a point as `Decimal`. Raises `Unreadable`."""
    try:
        return _DECODER.decode(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{len(body)} bytes are not JSON ({error})") from None


def read_map(value: Any, what: str) -> Mapping[str, Any]:
    """A JSON object; ``what`` names it in the sentence. Raises `Unreadable`."""
    if isinstance(value, Mapping):
        return value
    raise Unreadable(f"{what} is not an object but {excerpt(value)}")


def read_rows(value: Any, what: str) -> Sequence[Any]:
    """A JSON array. Raises `Unreadable`."""
    if isinstance(value, list) and len(value) <= ROWS_MAX:
        return value
    raise Unreadable(f"{what} is not a list of at most {ROWS_MAX} but {excerpt(value)}")


def read_text(body: Mapping[str, Any], name: str) -> str:
    """A text; empty where the field is absent or null. Raises `Unreadable` where it is something else."""
    value = body.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise Unreadable(f"{name} is not a text but {excerpt(value)}")


def need_text(body: Mapping[str, Any], name: str) -> str:
    """A text that must be there. Raises `Unreadable`."""
    text = read_text(body, name)
    if text:
        return text
    raise Unreadable(f"{name} is missing")


def read_flag(body: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """True or false; ``default`` where the field is absent or null. Raises `Unreadable`."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    raise Unreadable(f"{name} is neither true nor false but {excerpt(value)}")


def read_number(body: Mapping[str, Any], name: str) -> Decimal | None:
    """A number as text or as JSON has it; ``None`` where the field is absent, null or empty. Raises `Unreadable`."""
    value = body.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise Unreadable(f"{name} is not a number but {excerpt(value)}")
    text = str(value)
    try:
        # Python's own habit of 1_000 is nobody's else.
        number = Decimal(text) if len(text) <= NUMBER_CHARS_MAX and "_" not in text else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or not _is_sensible(number):
        raise Unreadable(f"{name} is not a number but {excerpt(value)}")
    return number or ZERO


def need_number(body: Mapping[str, Any], name: str) -> Decimal:
    """A number that must be there. Raises `Unreadable`."""
    number = read_number(body, name)
    if number is None:
        raise Unreadable(f"{name} is missing")
    return number


def read_instant(body: Mapping[str, Any], name: str) -> int:
    """Nanoseconds since the epoch of RFC 3339 text with any offset; 0 where absent or null. Raises `Unreadable`."""
    text = read_text(body, name)
    if not text:
        return 0
    try:
        return parse_instant(text)
    except ValueError:
        raise Unreadable(f"{name} is not an instant but {excerpt(text)}") from None


def read_word(words: type[_Word], body: Mapping[str, Any], name: str) -> _Word | None:
    """One of these words; ``None`` where there is none, or one that is new to us. Raises `Unreadable` for no text."""
    try:
        return words(read_text(body, name))
    except ValueError as error:
        if isinstance(error, Unreadable):
            raise
        return None


def need_word(words: type[_Word], body: Mapping[str, Any], name: str) -> _Word:
    """One of these words, without which nothing can be said. Raises `Unreadable`."""
    word = read_word(words, body, name)
    if word is None:
        raise Unreadable(f"{name} is not a known word but {excerpt(body.get(name))}")
    return word


def excerpt(value: object) -> str:
    """The beginning of a value that could not be read, quoted."""
    text = repr(value)
    return text if len(text) <= EXCERPT_CHARS else f"{text[:EXCERPT_CHARS]}…"


def _is_sensible(number: Decimal) -> bool:
    exponent = int(number.as_tuple().exponent)
    return not number or (number.adjusted() <= EXPONENT_MAX and -EXPONENT_MAX <= exponent <= EXPONENT_MAX)
