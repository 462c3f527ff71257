"""What a test asks of its exchange, in the words of `ExchangeOptions`, checked before anything opens.

A marker is written by hand and no type checker looks at it, so a misspelt word is refused with the ones that exist:
``sybmols=("SPY",)`` must not test a strategy against the default market.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import fields_dict

from engine.errors import Misconfigured
from engine.exchange.faults import Fault, parse_faults
from engine.exchange.faults.script import parse_fault
from engine.exchange.serve import ExchangeOptions

_NOT_FOR_TESTS: Final = frozenset({"host", "port"})
"""Where an exchange listens is the fixture's business: tests run side by side."""
WORDS: Final = tuple(sorted(set(fields_dict(ExchangeOptions)) - _NOT_FOR_TESTS))


def build_options(given: Mapping[str, Any]) -> ExchangeOptions:
    """The exchange that a marker or the ``exchange_options`` fixture describes; raises `Misconfigured`.

    The words are the fields of `ExchangeOptions`. ``symbols`` and ``tapes`` may be one or several,
    ``faults`` may be tables with the keys of a fault script, `Fault` values, or the text of a script.
    """
    for word in given:
        if word not in WORDS:
            close = difflib.get_close_matches(word, WORDS, n=1)
            hint = f"did you mean {close[0]!r}? There are" if close else "there are"
            raise Misconfigured(f"The exchange of a test has no option {word!r}; {hint} {', '.join(WORDS)}.")
    return ExchangeOptions(**{word: _READ.get(word, lambda value: value)(value) for word, value in given.items()})


def _symbols(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _tapes(value: str | Path | Iterable[str | Path]) -> tuple[Path, ...]:
    return (Path(value),) if isinstance(value, str | Path) else tuple(Path(each) for each in value)


def _faults(value: str | Iterable[Fault | Mapping[str, Any]]) -> tuple[Fault, ...]:
    if isinstance(value, str):
        return parse_faults(value, source="faults")
    if isinstance(value, Mapping):
        raise Misconfigured(f"faults = {value!r} is one fault: write a list, faults=[{{...}}].")
    return tuple(
        each if isinstance(each, Fault) else parse_fault(each, source=f"faults[{place}]")
        for place, each in enumerate(value)
    )


_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    "symbols": _symbols,
    "tapes": _tapes,
    "faults": _faults,
    "keys": frozenset,
}
