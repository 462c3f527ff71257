"""What a simulated world tells of itself while it runs: everything a judge needs, told once and at no other cost.

The world calls each of these in one step, at the virtual instant at which it happens; none of them may wait but
`Watch.at_rest`. A judge that finds an invariant broken raises `Violated` in place, or returns a `Violation` at the end.
Instants ``at_s`` are seconds from the beginning of the session, ``now_ns`` is market time.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from attrs import define, field, frozen

from engine.app.account import AccountSide
from engine.app.report import SessionReport
from engine.core.overflow import Full
from engine.exchange.rest.http import Response
from engine.exchange.rest.received import Received
from engine.exchange.serve import Running
from engine.model.market import MarketEvent
from engine.model.stream import Stream
from engine.ports.context import Event
from engine.ports.steps import Step
from engine.testing.network import Network
from engine.testing.simulate.outcome import Violation
from engine.testing.simulate.plan import Plan

Ended: TypeAlias = Literal["killed", "failed", "stopped"]
"""How an incarnation ended: by the nemesis, by an error of its own, or in order at the end of the session."""


@define(eq=False)
class Life:
    """One incarnation of the engine, from 1. ``folder`` is its state folder, ``account`` is there once it is open.

    ``alive`` is false from the instant of its death: what it does after that reaches nobody and means nothing.
    """

    number: int
    folder: Path
    began_s: float
    alive: bool = True
    account: AccountSide | None = None
    report: SessionReport | None = None
    failure: BaseException | None = None
    """What ended it, where that was not the nemesis: a `GaplessError`, or a bug."""
    disk_faults: int = 0
    """Failures of its disk: after one an end with `StoreFailed` is what it promises."""
    snapshot: Any = None
    """Gives its `SessionReport` at any moment; ``None`` before its session began."""


@frozen(eq=False)
class Taking:
    """One subscription that a player opened: which streams, and what is to happen when it is slow."""

    life: Life
    strategy: str
    number: int
    """Unique in the session, in the order of opening."""
    streams: tuple[Stream, ...]
    full: Full
    capacity: int
    gaps: bool
    opened_ns: int
    run: int = 1
    """Which run of this strategy in this life opened it: it may raise, and be started again."""


@frozen(eq=False)
class Scene:
    """What stands while a session runs."""

    plan: Plan
    running: Running
    network: Network
    opened_s: float
    """Trio's time at which the session began."""
    lives: list[Life] = field(factory=list)
    """All incarnations so far; the last is the present one, if it is alive."""


class Watch:
    """Who looks on. This one looks away; derive from it and write what you want to see."""

    def started(self, scene: Scene) -> None:
        """Exchange and network stand, no engine yet."""

    def engine_started(self, life: Life) -> None:
        """An incarnation begins (its account opens later, see `account_opened`)."""

    def account_opened(self, life: Life) -> None:
        """``life.account`` is there."""

    def engine_ended(self, life: Life, how: Ended) -> None:
        """It is over: ``life.failure`` says why where it failed. ``killed`` is told at the instant of death."""

    def probed(self, life: Life, step: Step) -> None:
        """A named instant on an order's way, of a living engine."""

    def published(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """The exchange has published these, whoever hears them."""

    def opened(self, taking: Taking) -> None:
        """A player subscribes (told just behind the opening)."""

    def closed(self, taking: Taking) -> None:
        """It unsubscribed, or its channel ended."""

    def delivered(self, taking: Taking, events: Sequence[Event], now_ns: int) -> None:
        """A player was handed these (market events and, with ``gaps``, `Gap`), in this order."""

    def noticed(self, life: Life, strategy: str, notice: Event, now_ns: int) -> None:
        """A player's lifecycle channel told this: `Connected`, `Lost`, `Gap`, `Alarm` ..."""

    def asked(self, life: Life, strategy: str, what: str, symbol: str) -> None:
        """A trader is about to do this: the name of the move."""

    def left_block(self, life: Life, strategy: str, open_ids: Sequence[str], spent_s: float) -> None:
        """A trader has left a block that cancels; these of its orders are open, after so long in its end."""

    def dialed(self, life: int, host: str, outcome: str) -> None:
        """The engine opened a TCP connection to this name: ``made``, ``refused``, ``hung`` or ``no name``.

        One that hung is told again when it is made: as ``sat out`` where that took longer than anybody is to wait.
        """

    def line(self, number: int, path: str, *, is_open: bool) -> None:
        """A stream (WebSocket) connection has come to the exchange, or has ended there."""

    def requested(self, received: Received, response: Response) -> None:
        """A REST request and what it is answered with (which a fault may still keep from arriving)."""

    def said(self, text: str) -> None:
        """A line of the engine's log, as it would be written."""

    def fault(self, kind: str, at_s: float, text: str) -> None:
        """The nemesis did this just now. Faults by chance are not told: see ``scene.running.plan.hits``."""

    def step(self) -> None:
        """Some thousand steps of the scheduler have passed since the last call, or a simulated second."""

    def calm(self) -> None:
        """Nothing more goes wrong from here on."""

    async def at_rest(self, life: Life) -> None:  # noqa: ASYNC910 - nothing to wait for
        """The last moments, while all still runs: ask, compare. Bounded to some simulated minutes."""

    def ended(self, tasks: int) -> Sequence[Violation]:
        """Everything has ended; ``tasks`` of the engine are left (0). The judge's last word."""
        return ()
