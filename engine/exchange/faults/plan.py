"""When faults happen: the arithmetic between a fault script and the exchange that acts on it.

The plan is asked three ways. `due` is told the market instant and how many events were published, and gives the faults
whose moment has come. `active` and `use` say whether a window stands now, for whoever opens a connection or serves a
page. `chance` throws the dice of a kind. Nothing here waits or acts; every answer follows from the script, the seed and
what was asked before, and every hit is counted.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from attrs import define, field

from engine.exchange.faults.kinds import KINDS, Fault, Line, Stage, TimeOfDay
from engine.model.instant import NS_PER_S

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OWN_FOR: Final = frozenset({"ghost", "delay", "half_open"})
"""Kinds whose ``for`` is part of what they do, not how long their window stands."""

_ALWAYS_ON: Final = frozenset({"history_lag", "history_refused", "stale_reads"})
"""Kinds that change every answer while they stand: each opening counts as a hit, not each answer."""


def next_time_of_day(after_ns: int, moment: TimeOfDay) -> int:
    """The first instant after ``after_ns`` at which it is that time of day."""
    zone = ZoneInfo("America/New_York") if moment.new_york else UTC
    today = (_EPOCH + timedelta(seconds=after_ns // NS_PER_S)).astimezone(zone).replace(tzinfo=None)
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    for days in range(3):
        local = (midnight + timedelta(days=days, seconds=moment.seconds)).replace(tzinfo=zone)
        found_ns = round(local.timestamp()) * NS_PER_S
        if found_ns > after_ns:
            return found_ns
    raise AssertionError("a time of day comes within two days")


@define
class _Trigger:
    """A fault that waits for its moment: the next one, and how many are left (``None``: no bound)."""

    fault: Fault
    left: int | None
    at_events: int | None = None
    at_ns: int | None = None

    @classmethod
    def arm(cls, fault: Fault, start_ns: int) -> "_Trigger":
        trigger = cls(fault, fault.times if fault.times is not None or fault.every_s is not None else 1)
        if fault.after_events is not None:
            trigger.at_events = fault.after_events
        trigger._set_next(start_ns)
        return trigger

    def _set_next(self, now_ns: int) -> None:
        if self.fault.at is not None:
            self.at_ns = next_time_of_day(now_ns, self.fault.at)
        elif self.fault.every_s is not None:
            step_ns = max(round(self.fault.every_s * NS_PER_S), 1)
            # A market that jumped over several moments (a night, a pause) has one fault to catch up with, not many.
            passed = 1 if self.at_ns is None else (now_ns - self.at_ns) // step_ns + 1
            self.at_ns = (now_ns if self.at_ns is None else self.at_ns) + passed * step_ns

    def ready(self, now_ns: int, published: int) -> bool:
        if self.left == 0:
            return False
        if self.at_events is not None:
            return published >= self.at_events
        return self.at_ns is not None and now_ns >= self.at_ns

    def fire(self, now_ns: int) -> None:
        if self.left is not None:
            self.left -= 1
        if self.at_events is not None:
            self.at_events += self.fault.after_events or 1
        self._set_next(now_ns)


@define
class _Window:
    """A fault that stands: until ``until_s`` on Trio's clock and for ``left`` more uses, where those are bounded."""

    fault: Fault
    until_s: float | None
    left: int | None

    def open(self, now_s: float) -> bool:
        return self.left != 0 and (self.until_s is None or now_s < self.until_s)


@define
class FaultPlan:
    """A script in progress.

    ``now_s`` reads Trio's clock (injected: nothing here looks at a clock), ``speed`` is the market's.
    """

    faults: Sequence[Fault] = ()
    seed: int = 0
    speed: float = 0.0
    now_s: Callable[[], float] = lambda: 0.0
    hits: Counter[str] = field(factory=Counter)
    """How often each kind did something."""
    missed: Counter[str] = field(factory=Counter)
    """How often a fault was due again before its last moment had found anybody to happen to."""
    _triggers: list[_Trigger] | None = None
    _windows: dict[str, list[_Window]] = field(factory=dict)
    _dice: dict[str, Random] = field(factory=dict)
    _injected: list[Fault] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        for fault in self.faults:
            if not fault.triggered:
                self.activate(fault)

    def seconds(self, market_s: float) -> float:
        """A duration of a script in seconds of Trio's clock."""
        return market_s / self.speed if self.speed > 0 else market_s

    def inject(self, fault: Fault) -> None:
        """Let a fault happen now (it is due at once, whatever its moment says), or stand from now."""
        if fault.strikes or fault.triggered:
            self._injected.append(fault)
        else:
            self.activate(fault)

    def arm(self, fault: Fault, now_ns: int, published: int) -> None:
        """Let a fault wait for its moment from now on; ``after_events`` counts from what is published by now."""
        trigger = _Trigger.arm(fault, now_ns)
        if trigger.at_events is not None:
            trigger.at_events += published
        self._armed(now_ns).append(trigger)

    def due(self, now_ns: int, published: int) -> list[Fault]:
        """The faults whose moment has come, in the order of the script; each is given once per moment."""
        found, self._injected = self._injected, []
        for trigger in self._armed(now_ns):
            while trigger.ready(now_ns, published):
                trigger.fire(now_ns)
                found.append(trigger.fault)
        return found

    def _armed(self, now_ns: int) -> list[_Trigger]:
        """The triggers, armed when the plan is first told what time it is in the market."""
        if self._triggers is None:
            self._triggers = [_Trigger.arm(fault, now_ns) for fault in self.faults if fault.triggered]
        return self._triggers

    def next_mark(self, published: int) -> int | None:
        """The next number of published events, above ``published``, at which a fault is due."""
        marks = [each.at_events for each in self._triggers or () if each.left != 0 and each.at_events is not None]
        return min((mark for mark in marks if mark > published), default=None)

    def next_at_ns(self) -> int | None:
        """The next market instant at which a fault is due."""
        moments = [each.at_ns for each in self._triggers or () if each.left != 0 and each.at_ns is not None]
        return min(moments, default=None)

    def activate(self, fault: Fault) -> None:
        """Open the window of a fault, now."""
        for_s = None if fault.kind in _OWN_FOR else fault.for_s
        until_s = None if for_s is None else self.now_s() + self.seconds(for_s)
        left = fault.uses if fault.triggered or fault.uses is not None else fault.times
        windows = [each for each in self._windows.get(fault.kind, []) if each.open(self.now_s())]
        self._windows[fault.kind] = [*windows, _Window(fault, until_s, left)]
        if fault.kind in _ALWAYS_ON:
            self.hits[fault.kind] += 1

    def active(self, kind: str, phase: str | None = None) -> Fault | None:
        """The fault of this kind (and phase) that stands now, without using it up; the newest wins."""
        window = self._standing(kind, lambda fault: phase is None or fault.phase == phase)
        return window.fault if window else None

    def use(self, kind: str, phase: str | None = None, *, line: Line = "data") -> Fault | None:
        """As `active`, and count it as one use; a rate ``p`` may decide that it does not happen this time."""
        return self._use(kind, lambda fault: fault.line == line and (phase is None or fault.phase == phase))

    def use_for_call(self, kind: str, method: str, path: str, stage: Stage | None = None) -> Fault | None:
        """As `use`, for a REST call: faults of other methods, paths or stages let it pass."""
        return self._use(
            kind,
            lambda fault: (
                fault.method in ("", method) and path.startswith(fault.path) and (stage is None or fault.stage == stage)
            ),
        )

    def _use(self, kind: str, fits: Callable[[Fault], bool]) -> Fault | None:
        window = self._standing(kind, fits)
        if window is None or not self._happens(window.fault):
            return None
        if window.left is not None:
            window.left -= 1
        self.hits[kind] += 1
        return window.fault

    def _standing(self, kind: str, fits: Callable[[Fault], bool]) -> _Window | None:
        for window in reversed(self._windows.get(kind, ())):
            if window.open(self.now_s()) and fits(window.fault):
                return window
        return None

    def clear(self) -> None:
        """End every window and disarm every moment: from here on nothing goes wrong on purpose."""
        self._windows.clear()
        self._injected.clear()
        self._triggers = []

    def standing(self) -> list[Fault]:
        """The faults whose window is open now, and those that wait for a moment."""
        windows = [each.fault for of_kind in self._windows.values() for each in of_kind if each.open(self.now_s())]
        waiting = [each.fault for each in self._triggers or () if each.left != 0]
        return sorted([*windows, *waiting], key=lambda fault: (fault.table, fault.kind))

    def _happens(self, fault: Fault) -> bool:
        return fault.p is None or self.dice(fault.kind).random() < fault.p

    def dice(self, kind: str, line: int | None = None) -> Random:
        """The dice of a kind (and of one line): a draw in one place does not shift the draws of another."""
        name = f"{self.seed}/{kind}" if line is None else f"{self.seed}/{kind}/{line}"
        if line is not None:
            return Random(name)
        return self._dice.setdefault(kind, Random(name))

    # What the REST side asks.

    @property
    def history_lag_s(self) -> float:
        """How far history trails what was published, in the seconds of the script; 0 without such a fault."""
        fault = self.active("history_lag")
        return fault.lag_s or 0.0 if fault else 0.0

    @property
    def history_refused_s(self) -> float:
        """History younger than this many market seconds is refused; 0 without such a fault."""
        fault = self.active("history_refused")
        return fault.younger_s or 0.0 if fault else 0.0

    def page_delay_s(self) -> float:
        """How late this page of history is to be, in seconds of Trio's clock."""
        fault = self.use("slow_pages")
        return self.seconds(fault.lag_s or 0.0) if fault else 0.0

    def empty_last_page(self) -> bool:
        """Whether this read of history ends with an empty page."""
        return self.use("empty_last_page") is not None

    def cut_body(self) -> bool:
        """Whether this REST body ends half way."""
        return self.use("cut_body") is not None

    def summary(self) -> dict[str, dict[str, int]]:
        """Hits and misses by kind, for the statistics; a kind of the script that did nothing is listed with 0."""
        told = {fault.kind for fault in self.faults} | set(self.hits)
        return {
            "hits": {kind: self.hits[kind] for kind in sorted(told & set(KINDS))},
            "missed": dict(sorted(self.missed.items())),
        }
