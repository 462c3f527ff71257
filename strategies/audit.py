"""Writes every delivered event as one line of JSON: the witness of what a strategy really got.

Comparing this file with what the venue published is how "nothing is lost, nothing comes twice, order is kept" is
checked, so it must not lose anything itself and must not slow down what it watches: it blocks the feed rather than
drop (``full="block"``), takes whole batches, and puts each batch on the disk with one write.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from engine import (
    Bar,
    Book,
    Cancel,
    Context,
    Correction,
    DailyBar,
    Gap,
    Imbalance,
    Luld,
    MarketEvent,
    Misconfigured,
    News,
    Pricing,
    Quote,
    Status,
    Trade,
    UpdatedBar,
    frozen,
    strategy,
)  # fmt: skip
from strategies._channels import streams_of

CAPACITY: Final = 65_536
"""Events that may wait while the disk is slow: over ten seconds of a busy tape, about 20 MB."""

_TYPES: Final[dict[type, str]] = {
    Trade: "trade",
    Quote: "quote",
    Bar: "bar",
    UpdatedBar: "updated_bar",
    DailyBar: "daily_bar",
    Status: "status",
    Luld: "luld",
    Correction: "correction",
    Cancel: "cancel",
    Imbalance: "imbalance",
    Book: "book",
    Pricing: "pricing",
    News: "news",
}
# The line of an event is its own JSON object with a first and a last field more, so it is opened and closed by hand.
_HEADS: Final = {kind: f'{{"type":"{name}",'.encode() for kind, name in _TYPES.items()}
_encode: Final = msgspec.json.Encoder().encode


@frozen
class Params:
    """What to witness, and where to write it. An existing file is replaced."""

    symbols: tuple[str, ...] = ("SPY",)
    channels: tuple[str, ...] = ("trades", "quotes", "bars")
    out: Path = Path("audit.jsonl")


@strategy(params=Params, files=True)
async def audit(ctx: Context, p: Params) -> None:
    """Write every delivered event of some symbols and channels to a file, one JSON object a line, gaps included."""
    streams = streams_of(p.symbols, p.channels)
    try:
        with p.out.open("wb") as file:
            async with ctx.streams(*streams, full="block", capacity=CAPACITY, gaps=True) as events:
                with suppress(StopAsyncIteration):
                    while batch := await events.batch():
                        _write(file, render_lines(batch, ctx.now_ns()))
    except OSError as error:
        raise Misconfigured(
            f"audit cannot write {p.out}: {error.strerror}; set out= to a file that can be written."
        ) from None


def render_lines(batch: "Iterable[MarketEvent | Gap]", delivered_ns: int) -> bytes:
    """The lines of a batch. ``delivered_ns`` is market time at which the strategy was handed it."""
    tail = b',"delivered_ns":%d}\n' % delivered_ns
    return b"".join(
        [
            _HEADS[type(event)] + _encode(event)[1:-1] + tail if type(event) is not Gap else _gap_line(event, tail)
            for event in batch
        ]
    )


def _gap_line(gap: Gap, tail: bytes) -> bytes:
    told = {
        "type": "gap",
        "symbol": gap.stream.symbol,
        "ts_ns": gap.start_ns,
        "channel": gap.stream.kind,
        "feed": gap.feed,
        "start_ns": gap.start_ns,
        "end_ns": gap.end_ns,
        "cause": gap.cause,
        "recovered": gap.recovered,
        "count": gap.count,
        "seq": 0,
        "origin": "engine",
        "received_ns": gap.at_ns,
    }
    return _encode(told)[:-1] + tail


def _write(file: BinaryIO, lines: bytes) -> None:
    """One write a batch, and out of our buffer at once: a killed process has lost no line of an earlier batch."""
    file.write(lines)
    file.flush()
