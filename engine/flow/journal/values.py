"""What comes back to a strategy, as JSON text and back: equal values, whatever they are made of.

What JSON has is itself; what it has not is an object with the name of its class under ``$``. An order handle is its
client order id: whoever reads it back makes a handle of his own.
"""

import builtins
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec
import trio
from cattrs import Converter

from engine import errors
from engine.codec.journal.control import parse_control, render_control
from engine.model.account import StrategyPosition
from engine.model.control import Alarm, Connected, Gap, Halted, Lost, Resumed, Stale
from engine.model.intent import Ticket
from engine.model.journal import writable
from engine.model.market import EVENT_TYPES, MarketEvent
from engine.model.order import Fill, Order
from engine.ports import LiveOrder

TAG: Final = "$"
ORDER: Final = "LiveOrder"
_CONTROL: Final = (Connected, Lost, Gap, Resumed, Stale, Halted, Alarm)
_MODELS: Final[dict[str, type[Any]]] = {one.__name__: one for one in (Ticket, Order, Fill, StrategyPosition)}
_EVENTS: Final[dict[str, type[MarketEvent]]] = {one.__name__: one for one in EVENT_TYPES.values()}

MakeOrder: TypeAlias = Callable[[str], LiveOrder]
"""A handle of the order with this client order id."""


def _build_converter() -> Converter:
    converter = Converter(omit_if_default=True)
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, lambda told, _: Decimal(told))
    return converter


_CONVERTER: Final = _build_converter()


def render(value: object) -> str:
    """A value as one line of JSON, keys sorted. Raises ``TypeError`` for one that no call of a context returns."""
    return json.dumps(_plain(value), separators=(",", ":"), sort_keys=True)


def parse(text: str, make_order: MakeOrder) -> Any:
    """The value that a line tells."""
    return build(json.loads(text), make_order)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    name = type(value).__name__
    if isinstance(value, Decimal):
        return {TAG: "Decimal", "is": str(value)}
    if isinstance(value, _CONTROL):
        return {TAG: "control", "is": json.loads(render_control(value))}
    if name in _EVENTS:
        return {TAG: name, "is": msgspec.to_builtins(value)}
    if name in _MODELS:
        return {TAG: name, "is": _CONVERTER.unstructure(value)}
    if isinstance(value, list | tuple):
        return {TAG: type(value).__name__, "is": [_plain(each) for each in value]}
    if isinstance(value, Mapping):
        return {TAG: "dict", "is": {key: _plain(each) for key, each in value.items()}}
    if hasattr(value, "client_order_id"):
        return {TAG: ORDER, "is": value.client_order_id}
    raise TypeError(f"a {name} cannot be written to the journal of a session; this is a bug of gapless")


def build(told: Any, make_order: MakeOrder) -> Any:
    """The value that parsed JSON tells."""
    if not isinstance(told, dict):
        return told
    name, inner = told[TAG], told["is"]
    if name == "Decimal":
        return Decimal(inner)
    if name in ("list", "tuple"):
        items = [build(each, make_order) for each in inner]
        return items if name == "list" else tuple(items)
    if name == "dict":
        return {key: build(each, make_order) for key, each in inner.items()}
    if name == "control":
        return parse_control(json.dumps(inner))
    if name == ORDER:
        return make_order(inner)
    if name in _EVENTS:
        return msgspec.convert(inner, _EVENTS[name])
    return _CONVERTER.structure(inner, _MODELS[name])


def render_failure(error: BaseException) -> tuple[str, str, str]:
    """The name of an error's class, its sentence, and what else it tells, as JSON."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    extra = {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in vars(error).items()
        if not name.startswith("_") and (value is None or isinstance(value, str | int | float | Mapping))
    }
    sentence = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    return type(error).__name__, writable(sentence), json.dumps(extra, separators=(",", ":"), sort_keys=True)


def build_failure(name: str, sentence: str, extra: str) -> BaseException:
    """The same error again; one of an unknown class is an ``Exception`` that says its name."""
    for home in (errors, builtins, trio):
        found = getattr(home, name, None)
        if isinstance(found, type) and issubclass(found, BaseException):
            break
    else:
        return RuntimeError(f"{name}: {sentence}")
    error = RuntimeError(sentence) if issubclass(found, BaseExceptionGroup) else _make(found, sentence)
    for key, value in json.loads(extra or "{}").items():
        setattr(error, key, value)
    return error


def _make(found: type[BaseException], sentence: str) -> BaseException:
    error = found.__new__(found, sentence)
    error.args = (sentence,)
    return error
