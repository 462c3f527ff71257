"""Control events as the JSON text of a `Noted` record: the fields, and the class's name under ``type``."""

import json
from typing import Final

from attrs import asdict, fields

from engine.model.control import Alarm, Connected, ControlEvent, Gap, Halted, Lost, Resumed, Stale
from engine.model.market import Kind
from engine.model.stream import Stream

_TYPES: Final[dict[str, type[ControlEvent]]] = {
    one.__name__: one for one in (Connected, Lost, Gap, Resumed, Stale, Halted, Alarm)
}


def render_control(event: ControlEvent) -> str:
    """A control event as one line of JSON, keys sorted.

    >>> render_control(Connected("iex", 5))
    '{"at_ns":5,"feed":"iex","type":"Connected"}'
    """
    told = {"type": type(event).__name__, **asdict(event, recurse=False)}
    return json.dumps(told, separators=(",", ":"), sort_keys=True)


def parse_control(text: str) -> ControlEvent:
    """The control event that a line tells. Raises ``ValueError`` for a line that tells none.

    >>> parse_control('{"at_ns":5,"feed":"iex","type":"Connected"}')
    Connected(feed='iex', at_ns=5)
    """
    told = json.loads(text)
    event_type = _TYPES.get(told.pop("type", "")) if isinstance(told, dict) else None
    if event_type is None:
        raise ValueError(f"{text!r} is no control event")
    known = {attribute.name for attribute in fields(event_type)}
    values = {name: value for name, value in told.items() if name in known}
    if event_type is Gap:
        kind, symbol = values["stream"]
        values["stream"] = Stream(Kind(kind), symbol)
    try:
        return event_type(**values)
    except TypeError as error:
        raise ValueError(f"{text!r} is no control event: {error}") from None
