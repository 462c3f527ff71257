"""All that crosses to and from a player beside its context: what it is told of the session, and what it hands on.

A player of a recorded session runs again from the journal, which knows of nothing but the context. So whatever else
moves it comes through here, and comes the second time as it came the first; what it hands on then is for nobody.
"""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import trio
from attrs import define, evolve, field

from engine.core.overflow import Full
from engine.model.stream import Stream
from engine.ports.context import Event
from engine.testing.simulate.plan import Plan, Player
from engine.testing.simulate.watch import Life, Taking
from engine.testing.simulate.world.stage import Stage


@define(eq=False)
class Cast:
    """One player in one life of the engine. ``runs`` counts how often its strategy was started in it."""

    stage: Stage
    life: Life
    player: Player
    runs: int = 0
    _calms: list[bool] = field(factory=list, init=False)
    """Each time it asked for the calm, the answer; a player asks once in a minute at most."""
    _told: Iterator[bool] | None = field(default=None, alias="told")
    """It runs again: what it was told then."""

    def again(self) -> "Cast":
        """The same player for a second run of the same life."""
        return evolve(self, runs=0, told=iter(tuple(self._calms)))

    @property
    def params(self) -> Mapping[str, Any]:
        """As the plan has them."""
        return dict(self.player.params)

    @property
    def plan(self) -> Plan:
        """What is played."""
        return self.stage.plan

    def dice(self) -> Random:
        """New dice for a new run."""
        self.runs += 1
        return Random(f"{self.plan.seed}/player/{self.player.name}/{self.life.number}/{self.runs}")

    # -- what it is told

    def now_s(self) -> float:
        """Seconds since the session began, by Trio's clock: what a strategy may read, and the journal holds."""
        return trio.current_time() - self.stage.opened_s

    def calm(self) -> bool:
        """Whether nothing goes wrong any more."""
        if self._told is not None:
            return next(self._told, True)
        self._calms.append(self.stage.calm)
        return self.stage.calm

    async def over(self) -> None:
        """Wait until the players are to leave. It is told as a deadline, of which the journal knows."""
        with trio.CancelScope(deadline=self.stage.over_s) as scope:
            if self._told is None:
                self.stage.leaving.add(scope)
            try:
                await trio.sleep_forever()
            finally:
                self.stage.leaving.discard(scope)

    # -- what it hands on

    def opened(
        self, strategy: str, streams: tuple[Stream, ...], full: Full, capacity: int, *, gaps: bool, at_ns: int
    ) -> Taking:
        """A subscription is open since this market time."""
        if self._told is None:
            self.stage.takings += 1
        number = self.stage.takings
        taking = Taking(self.life, strategy, number, streams, full, capacity, gaps, at_ns, self.runs)
        if self._told is None:
            self.stage.opened(taking)
        return taking

    def closed(self, taking: Taking) -> None:
        """Its end."""
        if self._told is None:
            self.stage.closed(taking)

    def delivered(self, taking: Taking, events: Sequence[Event], now_ns: int) -> None:
        """It was handed these."""
        if self._told is None:
            self.stage.delivered(taking, events, now_ns)

    def noticed(self, strategy: str, notice: Event, now_ns: int) -> None:
        """It was told this of the lines."""
        if self._told is None:
            self.stage.noticed(self.life, strategy, notice, now_ns)

    def asked(self, strategy: str, what: str, symbol: str) -> None:
        """It is about to make this move."""
        if self._told is None:
            self.stage.asked(self.life, strategy, what, symbol)

    def left_block(self, strategy: str, open_ids: Sequence[str], spent_s: float) -> None:
        """It has left a block that cancels; these of its orders are open still."""
        if self._told is None:
            self.stage.left_block(self.life, strategy, open_ids, spent_s)
