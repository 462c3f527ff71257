"""From what is due on a line to the bytes of its frames, oddities included."""

from collections.abc import Sequence
from math import nan
from typing import Final

from attrs import define, field
from msgspec.structs import replace

from engine.codec.render import render_control, render_frame
from engine.codec.wire import Encoding, Family
from engine.exchange.faults.plan import FaultPlan
from engine.exchange.line.outbound import Say
from engine.exchange.line.stats import Stats
from engine.exchange.line.websocket import NONSENSE, UNKNOWN, add_field, add_message, build_frame
from engine.model.market import Bar, MarketEvent, Quote, Trade

ODDITIES: Final = ("bad_frame", "unknown_type", "unknown_field", "nan_prices")


@define
class FrameRenderer:
    """Renders for one session. ``tricks`` are the oddities that faults ask for in the next data frame."""

    encoding: Encoding
    family: Family
    plan: FaultPlan
    stats: Stats
    tricks: list[str] = field(factory=list)

    def render(self, step: list[MarketEvent] | Say) -> bytes:
        """The frame of some events or of a control message."""
        self.stats.frames_sent += 1
        if isinstance(step, Say):
            return build_frame(render_control(step.message, self.encoding))
        self.stats.events_sent += len(step)
        if self.tricks or any(self.plan.active(kind) for kind in ODDITIES):
            return self._spoil(step)
        return build_frame(render_frame(step, self.encoding, self.family))

    def render_half(self, events: Sequence[MarketEvent]) -> bytes:
        """The first half of a frame; with nothing to tell, of a welcome."""
        if events:
            frame = build_frame(render_frame(events, self.encoding, self.family))
        else:
            frame = build_frame(render_control({"T": "success", "msg": "connected"}, self.encoding))
        return frame[: len(frame) // 2]

    def _spoil(self, events: list[MarketEvent]) -> bytes:
        """The frame with what is odd in it now; a message with an unknown field gets a frame of its own."""
        due = [*self.tricks, *(kind for kind in ODDITIES if self.plan.use(kind))]
        self.tricks.clear()
        before = b""
        if "nan_prices" in due:
            events = [_without_prices(event) for event in events]
        if "unknown_field" in due:
            before = build_frame(add_field(render_frame(events[:1], self.encoding, self.family), self.encoding))
            events = events[1:]
            if not events:
                return before
        payload = render_frame(events, self.encoding, self.family)
        for kind, message in (("bad_frame", NONSENSE), ("unknown_type", UNKNOWN)):
            payload = add_message(payload, message, self.encoding) if kind in due else payload
        return before + build_frame(payload)


def _without_prices(event: MarketEvent) -> MarketEvent:
    """The event with numbers that are none. It is the line that lies: the market behind it goes on as it was."""
    match event:
        case Trade():
            return replace(event, price=nan)
        case Quote():
            return replace(event, bid_price=nan, ask_price=nan)
        case Bar():
            return replace(event, open=nan, high=nan, low=nan, close=nan, vwap=nan)
    return event
