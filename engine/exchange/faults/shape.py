"""Faults that change what a session is sent without ending it: repeats and shuffles, from seeded dice.

A repeat is word for word one of the last events of the same session. A shuffle holds up to eight events for a moment
and sends them in one frame in another order, so that a client which sorts a frame by the venue's receive time can
restore it. Only trades, quotes and minute bars are touched: an order book told twice or in another order would be
another book.
"""

from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Final

from attrs import define, field

from engine.exchange.faults.plan import FaultPlan
from engine.model.market import Kind, MarketEvent

RECENT_MAX: Final = 64
"""How far back a repeat reaches: retransmissions follow closely."""
HOLD_MAX: Final = 8
HOLD_MAX_S: Final = 0.05
_REPEATED: Final = frozenset({Kind.TRADES, Kind.QUOTES, Kind.BARS})
_SHUFFLED: Final = frozenset({Kind.TRADES, Kind.QUOTES})


@define
class Shape:
    """The repeats and shuffles of one session. ``line`` is its number: it names the dice."""

    plan: FaultPlan
    line: int
    hold_until_s: float | None = None
    """When the held events must be let go, on the clock of ``now_s``; ``None`` when none are held."""
    _held: list[MarketEvent] = field(factory=list)
    _recent: deque[MarketEvent] = field(factory=lambda: deque(maxlen=RECENT_MAX))
    _dice: dict[str, Random] = field(factory=dict)

    def apply(self, events: Sequence[MarketEvent], now_s: float) -> list[tuple[bool, Sequence[MarketEvent]]]:
        """Runs of events to send, in order; true with those that must stay in one frame. Some may be held back."""
        repeat, shuffle = self.plan.active("duplicate"), self.plan.active("reorder")
        if repeat is not None:
            events = self._repeat(events, repeat.p or 0.0)
        if shuffle is None and not self._held:
            return [(False, events)]
        return self._shuffle(events, shuffle.p or 0.0 if shuffle else 0.0, now_s)

    def let_go(self) -> list[MarketEvent]:
        """What was held, shuffled; the quotes and trades among it change places, anything else keeps its own."""
        held, self._held, self.hold_until_s = self._held, [], None
        places = [place for place, event in enumerate(held) if event.kind in _SHUFFLED]
        if len(places) > 1:
            mixed = places[:]
            self._die("reorder").shuffle(mixed)
            moved = [held[place] for place in mixed]
            for place, event in zip(places, moved, strict=True):
                held[place] = event
            self.plan.hits["reorder"] += mixed != places
        return held

    def _repeat(self, events: Sequence[MarketEvent], p: float) -> list[MarketEvent]:
        die = self._die("duplicate")
        told: list[MarketEvent] = []
        for event in events:
            told.append(event)
            if event.kind in _REPEATED:
                self._recent.append(event)
            if self._recent and die.random() < p:
                told.append(self._recent[die.randrange(len(self._recent))])
                self.plan.hits["duplicate"] += 1
        return told

    def _shuffle(
        self, events: Sequence[MarketEvent], p: float, now_s: float
    ) -> list[tuple[bool, Sequence[MarketEvent]]]:
        runs: list[tuple[bool, Sequence[MarketEvent]]] = []
        plain: list[MarketEvent] = []
        for event in events:
            if self._held or self._die("reorder").random() < p:
                if not self._held:
                    self.hold_until_s = now_s + HOLD_MAX_S
                self._held.append(event)
                if len(self._held) == HOLD_MAX:
                    runs += [(False, plain), (True, self.let_go())]
                    plain = []
            else:
                plain.append(event)
        runs.append((False, plain))
        return [run for run in runs if run[1]]

    def _die(self, kind: str) -> Random:
        if kind not in self._dice:
            self._dice[kind] = self.plan.dice(kind, self.line)
        return self._dice[kind]
