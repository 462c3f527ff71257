"""Inputs of a strategy in words: what it was told, for who wants to know why it did something."""

import json
from collections.abc import Sequence
from typing import Any, Final

from engine.core.fingerprint import render_decision
from engine.flow.journal.track import CANCELLED
from engine.flow.journal.values import build
from engine.model.control import Gap
from engine.model.instant import render_instant
from engine.model.intent import Ticket
from engine.model.journal import Answered, Asked, Began, Cut, Ended, JournalRecord, Took, Woke
from engine.model.market import Bar, Quote, Trade
from engine.model.order import Fill

_STAMPS: Final = frozenset({"symbol", "ts_ns", "venue_ns", "received_ns", "origin", "seq"})
"""Fields of an event that are told otherwise."""
_TIMER: Final = "every"


def describe_input(record: JournalRecord, items: Sequence[Any], call: Asked | None) -> list[str]:
    """What a strategy was told, row by row: ``items`` are what it took, ``call`` is the one that this is told of."""
    if not isinstance(record, Took):
        return [describe(record, call)]
    timer = call is not None and call.verb == _TIMER
    rows = [f"tick {render_instant(item)}" if timer and isinstance(item, int) else tell_item(item) for item in items]
    return rows if rows and not _end(record) else [*rows, describe(record, call)]


def describe(record: JournalRecord, call: Asked | None = None) -> str:
    """A record in words; ``call`` is the one that it is told of."""
    match record:
        case Began():
            return f"run {record.run} begins"
        case Answered():
            return f"{_call(call, record.number)}: {_answer(record)}"
        case Took():
            return f"{record.count} of {_call(call, record.number)}{_end(record)}"
        case Woke():
            return f"{_task(record.task)}a sleep or a deadline was over" if record.by_time else _woken(record.task)
        case Cut():
            return "the session cancelled it"
        case Ended():
            return f"the run ended: {record.how} {record.error}".strip()
        case Asked():
            return render_decision(record)
    return str(record)


def tell_item(item: Any) -> str:
    """One item of a subscription: an event with its number, a gap, a tick, a fill, how an order stands."""
    match item:
        case Trade():
            told = f"trade {item.symbol} {item.price:g} x {item.size:g}"
        case Quote():
            told = (
                f"quote {item.symbol} {item.bid_price:g} x {item.bid_size:g} / {item.ask_price:g} x {item.ask_size:g}"
            )
        case Bar():
            told = (
                f"{str(item.kind).removesuffix('s')} {item.symbol} open={item.open:g} high={item.high:g} "
                f"low={item.low:g} close={item.close:g} volume={item.volume:g}"
            )
        case Fill():
            told = f"fill {item.side} {item.qty} {item.symbol} at {item.price}"
        case Ticket():
            order = item.order
            return f"order {item.client_order_id}: " + (
                str(item.outcome) if order is None else f"{order.status}, {order.filled_qty} filled"
            )
        case Gap():
            span = f"{render_instant(item.start_ns)} .. {render_instant(item.end_ns)}"
            return f"gap {item.stream} {span} cause={item.cause}"
        case int():
            return render_instant(item)
        case _ if hasattr(item, "kind"):
            fields = {name: getattr(item, name) for name in item.__struct_fields__ if name not in _STAMPS}
            told = " ".join([str(item.kind), item.symbol, *(f"{name}={value}" for name, value in fields.items())])
        case _:
            return str(item)
    if isinstance(item, Fill):
        return f"{told}, {render_instant(item.ts_ns)}"
    origin = "" if item.origin == "live" else f" ({item.origin})"
    return f"{told}, {render_instant(item.ts_ns)}{origin} #{item.seq}"


def _call(call: Asked | None, number: int) -> str:
    if call is None:
        return f"call {number}"
    if call.verb == "leave":
        return "left a block"
    return f"{call.verb} {call.words}" if call.words != "{}" else call.verb


def _answer(record: Answered) -> str:
    if record.error == CANCELLED:
        return "it was cancelled"
    if record.error:
        return f"{record.error}: {record.sentence}"
    value = build(json.loads(record.value), lambda name: f"order {name}")  # type: ignore[arg-type, return-value] # told
    if value is None:
        return "done"
    return f"{len(value)} rows" if isinstance(value, list | tuple) else str(value)


def _end(took: Took) -> str:
    ends = [text for text in took.values if text.startswith('{"end":')]
    if not ends:
        return ""
    told = json.loads(ends[0])["end"]
    return ", and its end" if told is None else f", and its end: {told[0]}: {told[1]}"


def _task(path: str) -> str:
    """Which task, where it is not the strategy's first."""
    return f"task {path}: " if "." in path else ""


def _woken(path: str) -> str:
    return f"{_task(path)}another task cancelled it"
