"""Text and TOML values into typed ones, strictly, with one sentence when they do not fit.

Settings, environment variables and strategy parameters all come through here, so ``fast=10`` means the same wherever
it is written. Plain cattrs is too kind for people's input (``bool("false")`` is true, ``int(2.7)`` is 2), so every
scalar has a hook that takes what a person would write and refuses the rest.
"""

import types
import typing
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal

from cattrs import Converter
from cattrs.errors import StructureHandlerNotFoundError

from engine.app.secrets import Secret

TRUE: Final = frozenset({"true", "yes", "on", "1"})
FALSE: Final = frozenset({"false", "no", "off", "0"})
NOTHING: Final = frozenset({"", "none"})


def structure(value: Any, wanted: Any) -> Any:
    """Turn what a person wrote into ``wanted``; raises ``ValueError`` that says what is allowed instead.

    >>> structure("false", bool), structure("AAPL, SPY", tuple[str, ...])
    (False, ('AAPL', 'SPY'))
    >>> structure("ten", int)
    Traceback (most recent call last):
    ...
    ValueError: 'ten' is not a whole number
    """
    try:
        return _CONVERTER.structure(value, wanted)
    except StructureHandlerNotFoundError:
        raise ValueError(f"values of type {wanted} cannot be written as text") from None


def allowed(wanted: Any) -> str:
    """Say in words what a type takes, to end the sentence "... is not"."""
    origin, args = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is Literal:
        return "one of " + ", ".join(str(arg) for arg in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join("none" if arg is type(None) else allowed(arg) for arg in args)
    if origin in (tuple, list):
        return f"a list of which each is {allowed(args[0])}" if args and args[0] is not str else "a list such as A,B"
    if _is_enum(wanted):
        return "one of " + ", ".join(str(member.value) for member in wanted)
    return _WORDS.get(wanted, f"a value of type {getattr(wanted, '__name__', wanted)}")


_WORDS: Final[dict[Any, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    Decimal: "a decimal number",
    str: "text",
    Path: "a path",
    Secret[str]: "text",
}


def _refuse(value: Any, wanted: Any) -> ValueError:
    return ValueError(f"{value!r} is not {allowed(wanted)}")


def _to_bool(value: Any, _: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise _refuse(value, bool)


def _to_int(value: Any, _: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _refuse(value, int)
    try:
        return int(value)
    except ValueError:
        raise _refuse(value, int) from None


def _to_float(value: Any, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _refuse(value, float)
    try:
        number = float(value)
    except ValueError:
        raise _refuse(value, float) from None
    if number != number or number in (float("inf"), float("-inf")):  # a NaN or an infinity passes every comparison
        raise _refuse(value, float)
    return number


def _to_decimal(value: Any, _: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise _refuse(value, Decimal)
    try:
        number = Decimal(str(value).strip())  # by way of text: 0.1 in a TOML file means 0.1
    except InvalidOperation:
        raise _refuse(value, Decimal) from None
    if not number.is_finite():
        raise _refuse(value, Decimal)
    return number


def _to_str(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        raise _refuse(value, str)
    return value


def _to_path(value: Any, _: Any) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise _refuse(value, Path)
    return Path(value).expanduser()


def _to_secret(value: Any, _: Any) -> Secret[str]:
    if not isinstance(value, str):
        raise ValueError("a secret must be text")  # the value itself is kept out of the sentence
    return Secret(value)


def _items(value: Any, wanted: Any) -> list[Any]:
    """The items of a TOML list, or of text with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list | tuple):
        return list(value)
    raise _refuse(value, wanted)


def _sequence_hook(wanted: Any) -> Callable[[Any, Any], Any]:
    kind = typing.get_origin(wanted)
    args = typing.get_args(wanted)
    item = args[0] if args else str
    if kind is tuple and (len(args) != 2 or args[1] is not Ellipsis):
        raise ValueError(f"a parameter cannot be of type {wanted}: use tuple[X, ...]")
    return lambda value, _: kind([structure(each, item) for each in _items(value, wanted)])


def _literal(value: Any, wanted: Any) -> Any:
    for choice in typing.get_args(wanted):
        if value == choice or (isinstance(value, str) and value == str(choice)):
            return choice
    raise _refuse(value, wanted)


def _union_hook(wanted: Any) -> Callable[[Any, Any], Any]:
    choices = [arg for arg in typing.get_args(wanted) if arg is not type(None)]

    def to_union(value: Any, _: Any) -> Any:
        if len(choices) < len(typing.get_args(wanted)) and (
            value is None or (isinstance(value, str) and value.strip().lower() in NOTHING)
        ):
            return None
        for choice in choices:
            try:
                return structure(value, choice)
            except ValueError:
                continue
        raise _refuse(value, wanted)

    return to_union


def _enum(value: Any, wanted: type[Enum]) -> Enum:
    for member in wanted:
        if value == member or str(value) == str(member.value):
            return member
    raise _refuse(value, wanted)


def _made_of(*origins: Any) -> Callable[[Any], bool]:
    return lambda wanted: typing.get_origin(wanted) in origins


def _is_enum(wanted: Any) -> bool:
    return isinstance(wanted, type) and issubclass(wanted, Enum)


def _build() -> Converter:
    converter = Converter(detailed_validation=False)
    for kind, hook in (
        (bool, _to_bool), (int, _to_int), (float, _to_float), (Decimal, _to_decimal), (str, _to_str), (Path, _to_path),
    ):  # fmt: skip
        converter.register_structure_hook(kind, hook)
    converter.register_structure_hook_func(_made_of(Secret), _to_secret)
    converter.register_structure_hook_func(_is_enum, _enum)
    converter.register_structure_hook_func(_made_of(Literal), _literal)
    converter.register_structure_hook_factory(_made_of(tuple, list), _sequence_hook)
    converter.register_structure_hook_factory(_made_of(typing.Union, types.UnionType), _union_hook)
    return converter


_CONVERTER: Final = _build()
