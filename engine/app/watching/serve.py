"""The part "watch" of what stands beside a session (`engine.app.beside.attach`)."""

from typing import Final

import trio
from attrs import define, field

from engine.app.beside.engine import Engine
from engine.app.watching.calendar import serve_calendar
from engine.app.watching.measures import Measures
from engine.app.watching.silences import ALONG, Silences
from engine.core.watch.checks import find_gap
from engine.core.watch.hours import Hours
from engine.flow.notices import Notices
from engine.model.alert import Finding
from engine.model.control import Gap, Lost
from engine.model.instant import NS_PER_S

SOURCE: Final = "watch"
TICK_S: Final = 1.0
"""Between two looks, in seconds of market time and at most in Trio's."""
TICK_MIN_S: Final = 0.1
"""And at least this, in Trio's: a market at a hundred times its speed is looked at every ten of its seconds."""
LOOP_EVERY_S: Final = 0.25
"""How often the loop's lag is measured: a wake-up of ten microseconds."""
NOTICES_MAX: Final = 4096
"""A cut that leaves a hole in each of thousands of streams; beyond it the oldest are let go, and counted."""
UNTOLD: Final = frozenset({"dropped", "restarted", "not_recorded"})
"""Gaps that are no loss of a feed: of a slow strategy (found otherwise), a restarted one, a recording."""


async def serve_watch(engine: Engine) -> None:
    """Watch a session until cancelled, or not at all where ``[watch] on`` is false."""
    await trio.lowlevel.checkpoint()
    if not engine.options.watch.on:
        return
    async with trio.open_nursery() as nursery:
        watch = _Watch(engine, Silences(engine.markets, engine.options.watch, nursery))
        engine.heard = watch.silences.rows
        try:
            nursery.start_soon(watch.serve_looks)
            nursery.start_soon(watch.serve_notices)
            nursery.start_soon(watch.serve_loop_lag)
            await serve_calendar(engine.venue, engine.options.watch.calendar_days, watch.take_hours)
        finally:
            watch.silences.close()


@define(eq=False)
class _Watch:
    engine: Engine
    silences: Silences
    measures: Measures = field(init=False)
    hours: Hours = field(factory=Hours)
    _calendar: list[Finding] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.measures = Measures(self.engine, self.engine.options.watch)

    def take_hours(self, hours: Hours | None, findings: list[Finding]) -> None:
        """The broker's calendar was compared with ours."""
        self.hours, self._calendar = hours or self.hours, findings

    async def serve_looks(self) -> None:
        """Look once a second."""
        while True:
            findings = [*self.silences.look(self.hours), *self.measures.look(self.hours), *self._calendar]
            self.engine.alarms.hold(SOURCE, findings)
            self.engine.ticks[SOURCE] = trio.current_time()
            speed = self.engine.markets.clock.speed
            await trio.sleep(TICK_S if speed <= 1 else max(TICK_S / speed, TICK_MIN_S))

    async def serve_notices(self) -> None:
        """Tell of what happens to the lines."""
        notices = Notices(NOTICES_MAX)
        self.engine.markets.listen(notices)
        try:
            async for event in notices:
                if isinstance(event, Lost):
                    self.measures.reasons[event.feed] = event.reason
                elif isinstance(event, Gap) and self._concerns(event):
                    self.engine.alarms.tell(find_gap(event))
        finally:
            self.engine.markets.unlisten(notices)

    def _concerns(self, gap: Gap) -> bool:
        """Whether a hole is one that somebody should know of: not where nobody asked for what it is a hole of."""
        asked = gap.stream.kind not in ALONG or gap.stream in self.engine.markets.fanout.wanted()
        return asked and gap.cause not in UNTOLD

    async def serve_loop_lag(self) -> None:
        """Measure how late the loop gets round to a timer."""
        while True:
            due_s = trio.current_time() + LOOP_EVERY_S
            await trio.sleep_until(due_s)
            self.engine.loop_lag.record(round((trio.current_time() - due_s) * NS_PER_S))
