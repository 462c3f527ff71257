"""Entries of the file of orders to text and back, by one cattrs converter.

JSON, because a person whose engine is down must be able to read the file with nothing but ``sqlite3``; amounts are
text in it, because a JSON number is a float to most who read one. What has its default is left out: a ticket is
written again with each of its fills, and two thirds of an order are empty (so a default of the model may not change
without a new format of the file). An unknown key is an error, for these are our own files: dropping what a newer format
means by it could lose an order.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError
from cattrs.strategies import configure_tagged_union

from engine.model.entry import Entry

TAG: Final = "entry"
"""The key that says which kind of entry it is: the name of its class in lower case."""


def render_entry(entry: Entry) -> str:
    """An entry as one line of JSON. Raises ``ValueError`` or ``TypeError`` where it holds what JSON has no word for."""
    return json.dumps(_CONVERTER.unstructure(entry, Entry), separators=(",", ":"), allow_nan=False)


def parse_entry(text: str) -> Entry:
    """The entry that a line of JSON tells. Raises ``ValueError`` that says what is wrong with it, and where."""
    try:
        told = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    try:
        entry: Entry = _CONVERTER.structure(told, _ENTRY)
    except BaseValidationError as error:
        raise ValueError("; ".join(transform_error(error, path="entry"))) from error
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"it is no entry of any kind that is known here ({error!r})") from error
    return entry


def _to_decimal(told: Any, _: Any) -> Decimal:
    if not isinstance(told, str):
        raise ValueError(f"{told!r} is not an amount written as text")
    try:
        return Decimal(told)
    except InvalidOperation:
        raise ValueError(f"{told!r} is not an amount") from None


def _as_it_is(told: Any, wanted: type[Any]) -> Any:
    """cattrs alone would make a number of the text "12", cut 12.7 and call "false" true."""
    if type(told) is not wanted:
        raise ValueError(f"{told!r} is not of the type {wanted.__name__}")
    return told


def _to_text(told: Any, wanted: type[str]) -> str:
    """Text, or a word of an enumeration of words: they are classes of text, so their hook is this one, too."""
    return wanted(_as_it_is(told, str))


def _build_converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, omit_if_default=True)
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, _to_decimal)
    converter.register_structure_hook(int, _as_it_is)
    converter.register_structure_hook(bool, _as_it_is)
    converter.register_structure_hook(str, _to_text)
    converter.register_structure_hook_func(lambda wanted: wanted is object, lambda told, _: told)
    configure_tagged_union(Entry, converter, tag_generator=lambda kind: kind.__name__.lower(), tag_name=TAG)
    return converter


_ENTRY: Final[Any] = Entry  # a union, which cattrs can build and its types cannot say
_CONVERTER: Final = _build_converter()
