"""Where all that happens in a session comes together: told to the judge, counted, and hashed in its order.

The judge never raises into the engine. What it finds broken is kept with its instant, and the whole session is
cancelled: an engine under test that could catch a verdict would hide it.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final, TypeVarTuple

import trio
from attrs import define, field

from engine.exchange.rest.http import Response
from engine.exchange.rest.received import Received
from engine.exchange.serve import Running
from engine.model.market import Kind, MarketEvent
from engine.ports.context import Event
from engine.ports.steps import Step
from engine.testing.exchange import FOREVER_NS
from engine.testing.simulate.outcome import Moment, Violated, Violation
from engine.testing.simulate.plan import Plan
from engine.testing.simulate.watch import Ended, Life, Scene, Taking, Watch

MOMENTS_MAX: Final = 5000
"""Lines of the timeline: more than a person reads, and some ten a fault. The first ones are kept, and the last."""
VIOLATIONS_MAX: Final = 100

Ts = TypeVarTuple("Ts")


@define(eq=False)
class Stage:
    """One session as it is seen from outside. ``over`` is set when the players are to leave."""

    plan: Plan
    watch: Watch
    over: trio.Event = field(factory=trio.Event)
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    violations: list[Violation] = field(factory=list)
    hits: Counter[str] = field(factory=Counter)
    timeline: list[Moment] = field(factory=list)
    calm: bool = False
    delivered_count: int = 0
    restarts: int = 0
    takings: int = 0
    scene: Scene | None = None
    opened_s: float = 0.0
    over_s: float = math.inf
    """When the players were told to leave, by Trio's clock."""
    leaving: set[trio.CancelScope] = field(factory=set)
    """In which they wait for that."""
    _last_s: float = 0.0
    _history: Any = field(factory=sha256)

    def open(self, scene: Scene) -> None:
        """Exchange and network stand."""
        self.scene, self.opened_s = scene, scene.opened_s
        self.tell(self.watch.started, scene)

    def now_s(self) -> float:
        """Seconds since the session began."""
        try:
            now_s = trio.current_time()
        except RuntimeError:  # the session is over: then it is as late as it was
            return self._last_s
        self._last_s = now_s - self.opened_s
        return self._last_s

    def close(self) -> None:
        """The players are to leave."""
        self.over.set()
        self.over_s = trio.current_time()
        for scope in self.leaving:
            scope.deadline = self.over_s

    # -- what is told

    def tell(self, told: Callable[[*Ts], object], *args: *Ts) -> None:
        """Tell the judge; what it raises is kept, and ends the session."""
        try:
            told(*args)
        except Violated as found:
            self.break_off(found.number, found.sentence)

    def break_off(self, number: int, sentence: str) -> None:
        """An invariant does not hold: keep it and end the session."""
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(Violation(number=number, at_s=self.now_s(), sentence=sentence))
        self.note("judge", f"{number}: {sentence}")
        self.scope.cancel()

    def note(self, who: str, text: str) -> None:
        """A line of the timeline."""
        if len(self.timeline) >= MOMENTS_MAX:
            del self.timeline[MOMENTS_MAX // 2]
        self.timeline.append(Moment(at_s=self.now_s(), who=who, text=text))

    def seal(self, *what: object) -> None:
        """This happened, in this place of the session's history."""
        self._history.update(repr((self.now_s(), *what)).encode())

    @property
    def history(self) -> str:
        """The hash of all that was sealed."""
        return str(self._history.hexdigest())

    def fault(self, kind: str, text: str = "") -> None:
        """The nemesis did something."""
        self.note("world", f"{kind} {text}".rstrip())
        self.seal("fault", kind)
        self.tell(self.watch.fault, kind, self.now_s(), text)

    # -- the engine's lives

    def engine_started(self, life: Life) -> None:
        """An incarnation begins."""
        self.note("engine", f"life {life.number} begins")
        self.seal("life", life.number)
        self.tell(self.watch.engine_started, life)

    def engine_ended(self, life: Life, how: Ended) -> None:
        """It is over."""
        self.note("engine", f"life {life.number} {how}: {life.failure or ''}".rstrip(": "))
        self.seal("end", life.number, how)
        self.tell(self.watch.engine_ended, life, how)

    def probed(self, life: Life, step: Step) -> None:
        """An instant on an order's way."""
        self.tell(self.watch.probed, life, step)

    # -- the exchange's side

    def listen(self, running: Running) -> None:
        """Be told what the exchange publishes, is asked and answers."""
        past = running.market.past
        told = [
            event
            for kind in Kind
            for symbol in running.market.source.symbols
            for event in past.between(kind, symbol, 0, FOREVER_NS)
        ]
        if told:  # at the very first instant, before anybody could listen
            self.tell(self.watch.published, told, running.market.clock.now_ns())
        running.market.attach(Ear(self, running.market.clock.now_ns))
        running.rest.overhear = self._requested
        running.switchboard.overhear = self._line

    def _requested(self, received: Received, response: Response) -> None:
        self.seal("rest", received.method, received.path, received.body, response.status)
        if received.method not in ("GET", "HEAD"):
            self.note("engine", f"{received.method} {received.path} -> {response.status}")
        self.tell(self.watch.requested, received, response)

    def _line(self, number: int, path: str, came: bool) -> None:
        self.seal("line", number, path, came)
        self.note("exchange", f"line {number} {path} {'opened' if came else 'ended'}")
        self.tell(lambda: self.watch.line(number, path, is_open=came))

    def dialed(self, life: int, host: str, outcome: str) -> None:
        """A connection was tried."""
        self.seal("dial", life, host, outcome)
        self.tell(self.watch.dialed, life, host, outcome)

    # -- the players' side

    def opened(self, taking: Taking) -> None:
        """A subscription."""
        self.seal("open", taking.number, sorted(map(str, taking.streams)))
        self.tell(self.watch.opened, taking)

    def closed(self, taking: Taking) -> None:
        """Its end."""
        if taking.life.alive:
            self.tell(self.watch.closed, taking)

    def delivered(self, taking: Taking, events: Sequence[Event], now_ns: int) -> None:
        """What a player was handed; the dead are not listened to."""
        if not taking.life.alive:
            return
        self.delivered_count += len(events)
        last = events[-1]
        self.seal(taking.number, len(events), getattr(last, "seq", last), now_ns)
        self.tell(self.watch.delivered, taking, events, now_ns)

    def noticed(self, life: Life, strategy: str, notice: Event, now_ns: int) -> None:
        """What a player was told of the lines."""
        if life.alive:
            self.note("strategy", f"{strategy}: {notice}")
            self.seal("notice", strategy, str(notice))
            self.tell(self.watch.noticed, life, strategy, notice, now_ns)

    def asked(self, life: Life, strategy: str, what: str, symbol: str) -> None:
        """A trader's move."""
        if life.alive:
            self.seal("ask", strategy, what, symbol)
            self.tell(self.watch.asked, life, strategy, what, symbol)

    def left_block(self, life: Life, strategy: str, open_ids: Sequence[str], spent_s: float) -> None:
        """A trader's block is over."""
        if life.alive:
            self.seal("left", strategy, *open_ids)
            self.tell(self.watch.left_block, life, strategy, open_ids, spent_s)


@define(eq=False)
class Ear:
    """A sink of the exchange's market that never asks for anything."""

    stage: Stage
    now_ns: Callable[[], int]
    reading: bool = False

    def deliver(self, events: Sequence[MarketEvent]) -> None:
        """Tell the judge."""
        self.stage.tell(self.stage.watch.published, events, self.now_ns())

    async def ready(self) -> None:
        """Always."""
        await trio.lowlevel.checkpoint()

    def flushed(self) -> bool:
        """Always."""
        return True
