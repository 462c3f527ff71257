"""Two things to hold the watch against: a market of made-up event times, with a line that can go mute and a history
that trails it, days at a time; and a session of the engine, with alarms that are kept."""

import math
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from random import Random
from typing import Any

import pytest
import trio
from attrs import define, evolve, field, frozen

from engine import Context, strategy
from engine.app.beside.attach import stand_beside
from engine.app.beside.engine import Engine
from engine.app.beside.overview import HeardRow
from engine.app.live import run_live
from engine.app.options import LoadedStrategy, RunOptions
from engine.app.watching import serve_watch
from engine.core.calendar import NEW_YORK, Phase, instant_of, new_york, phase_at
from engine.core.silence import Proof
from engine.core.watch.ear import State
from engine.core.watch.hours import Hours, Market
from engine.core.watch.listening import FeedEars, Look, Question, declared_s
from engine.core.watch.tuning import WatchTuning
from engine.core.watch.words import find_silences
from engine.exchange.faults import parse_faults
from engine.exchange.serve import ExchangeOptions, open_exchange
from engine.model.alert import Finding
from engine.model.instant import NS_PER_S
from engine.model.market import Status
from engine.model.stream import Stream
from engine.ports import Strategy
from engine.ports.alarms import Alarm
from engine.testing.inline import run_inline

TICK_S = 5.0
HISTORY_TRAILS_NS = 3 * NS_PER_S
OUTAGE_NS = 10 * NS_PER_S
"""How long a line takes to be opened again: two looks."""


def at(text: str) -> int:
    """New York's time as an instant."""
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


@define(eq=False)
class Voice:
    """One stream of the market. ``rate``: events a second in regular hours; ``lull``: times of total quiet."""

    stream: Stream
    rate: float
    extended: float = 0.0
    """Times ``rate``, before and after regular hours."""
    always: bool = False
    lulls: Sequence[tuple[int, int]] = ()
    since_ns: int = 0
    """When it is subscribed to."""
    count: int = 0
    published: list[int] = field(factory=list)
    """Instants of the last hour."""
    told_ns: int = 0
    """Until when the session has all of it, by the line or by history."""

    def speed(self, now_ns: int, phase: Phase) -> float:
        """Events a second now."""
        if any(start <= now_ns < end for start, end in self.lulls):
            return 0.0
        if self.always:
            here = new_york(now_ns)
            return self.rate * (0.03 if here.weekday() == 6 and here.hour < 6 else 1.0)
        if phase is Phase.CORE:
            return self.rate
        return self.rate * self.extended if phase in (Phase.PRE, Phase.POST) else 0.0


@frozen
class Mute:
    """A real silence: of a line (``stream`` is ``None``) or of one stream, until the line is opened again."""

    start_ns: int
    stream: Stream | None = None
    due_ns: int = 0
    """From when on the alarm's time runs, where that is not ``start_ns``."""


@define
class Raised:
    """An alarm: when it was raised, and by when it had to be."""

    key: str
    at_ns: int
    finding: Finding


@define(eq=False)
class Stage:
    """One feed of this market, and the watch that listens to it."""

    feed: FeedEars
    voices: Sequence[Voice]
    mutes: list[Mute] = field(factory=list)
    statuses: list[Status] = field(factory=list)
    now_ns: int = 0
    raised: list[Raised] = field(factory=list)
    by_ns: dict[int, int] = field(factory=dict)
    """For each silence that has begun, by its place: when its alarm is due at the latest."""
    recycled: int = 0
    questions: int = 0
    _states: set[tuple[int, Stream, State]] = field(factory=set)
    _standing: set[str] = field(factory=set)
    _down_until_ns: int = 0
    _healed_ns: dict[int, int] = field(factory=dict)
    _asked: tuple[int, Question] | None = None
    _random: Random = field(factory=lambda: Random("week"))

    def run(self, start_ns: int, end_ns: int) -> None:
        """Look each tick from one instant to another."""
        self.now_ns = start_ns
        for voice in self.voices:
            voice.told_ns = start_ns
        hours = Hours()
        while self.now_ns < end_ns:
            asleep = self.feed.market is Market.STOCKS and phase_at(self.now_ns) in (Phase.CLOSED, Phase.OVERNIGHT)
            self.now_ns += int((12 if asleep else 1) * TICK_S * NS_PER_S)
            self._publish()
            self._look(hours)

    def _muted(self) -> set[Stream | None]:
        """The streams of which the line brings nothing now; ``None``: of any."""
        return {
            mute.stream
            for place, mute in enumerate(self.mutes)
            if mute.start_ns <= self.now_ns and place not in self._healed_ns
        }

    def _publish(self) -> None:
        phase = phase_at(self.now_ns)
        down, muted = self.now_ns < self._down_until_ns, self._muted()
        for voice in self.voices:
            mean = voice.speed(self.now_ns, phase) * TICK_S
            events = self._spoke(mean) if mean else 0
            if events:
                voice.published.append(self.now_ns)
                if len(voice.published) > 4000:
                    del voice.published[:2000]
            if down:
                voice.told_ns = self.now_ns  # history gives what was missed, and that is not the line's word
            elif not muted or (None not in muted and voice.stream not in muted):
                voice.told_ns = self.now_ns
                voice.count += events
        while self.statuses and self.statuses[0].ts_ns <= self.now_ns:
            self.feed.halts.hear(self.statuses.pop(0))

    def _spoke(self, mean: float) -> bool:
        """Whether there was an event, of so many in the mean, at random moments."""
        return self._random.random() < -math.expm1(-mean)

    def _look(self, hours: Hours) -> None:
        for place, mute in enumerate(self.mutes):
            if place not in self.by_ns and self.now_ns >= max(mute.start_ns, mute.due_ns):
                ear = self.feed.ears.get(mute.stream) if mute.stream is not None else None
                limit_s = self.feed.limit_s if mute.stream is None else (ear.limit_s if ear else None)
                if limit_s is not None:
                    self.by_ns[place] = self.now_ns + int(
                        declared_s(limit_s, self.feed.tuning, TICK_S) * NS_PER_S
                    )  # fmt: skip
        counts = {voice.stream: voice.count for voice in self.voices if voice.since_ns <= self.now_ns}
        self._answer()
        verdict = self.feed.look(
            Look(now_ns=self.now_ns, counts=counts, live=self.now_ns >= self._down_until_ns), hours
        )
        if verdict.question is not None:
            self.questions += 1
            self._asked = self.now_ns, verdict.question
        findings = {finding.key: finding for finding in find_silences(self.feed)}
        for key in findings.keys() - self._standing:
            self.raised.append(Raised(key, self.now_ns, findings[key]))
        self._standing = set(findings)
        hour = self.now_ns // (3600 * NS_PER_S)
        for ear in self.feed.ears.values():
            self._states.add((hour, ear.stream, ear.state))
        if verdict.recycle:
            self.recycled += 1
            self._down_until_ns = self.now_ns + OUTAGE_NS
            for place, mute in enumerate(self.mutes):
                if mute.start_ns <= self.now_ns:
                    self._healed_ns[place] = self.now_ns

    def _answer(self) -> None:
        """History answers a look after it was asked."""
        if self._asked is None:
            return
        asked_ns, question = self._asked
        self._asked = None
        voices = [voice for voice in self.voices if question.whole or voice.stream in question.streams]
        proofs: dict[Stream, Proof] = {
            voice.stream: "missed"
            if any(voice.told_ns < one <= asked_ns - HISTORY_TRAILS_NS for one in voice.published)
            else "nothing_missed"
            for voice in voices
        }
        if question.whole:
            self.feed.answer(question, "missed" if "missed" in proofs.values() else "nothing_missed", self.now_ns)
        else:
            self.feed.answer(question, proofs, self.now_ns)

    @property
    def states(self) -> set[tuple[str, str, str]]:
        """Every date and hour in New York, stream and state that was ever seen."""
        return {
            (f"{new_york(hour * 3600 * NS_PER_S):%m-%d %H}", str(stream), state.value)
            for hour, stream, state in self._states
        }

    def cadences(self) -> str:
        """What was learnt, as a table."""
        rows = [f"{'stream':<18} {'part':<10} {'gaps':>7} {'seldom over':>11}"]
        for stream, ear in sorted(self.feed.ears.items()):
            for part, cadence in sorted(ear.cadences.items()):
                told = "not learnt" if cadence.learnt_s is None else f"{cadence.learnt_s:.1f} s"
                rows.append(f"{stream!s:<18} {part.value:<10} {cadence.gaps:>7} {told:>11}")
        return "\n".join(rows)


@pytest.fixture
def stage() -> Callable[..., Stage]:
    """A feed with these voices and silences."""

    def build(name: str, market: Market, voices: Sequence[Voice], **what: object) -> Stage:
        tuning = what.pop("tuning", None) or WatchTuning()
        assert isinstance(tuning, WatchTuning)
        built = Stage(FeedEars(feed=name, market=market, tuning=tuning), voices)
        for key, value in what.items():
            setattr(built, key, value)
        return built

    return build


@pytest.fixture
def ny() -> Callable[[str], int]:
    """New York's time as an instant."""
    return at


@pytest.fixture
def voice() -> type[Voice]:
    return Voice


@pytest.fixture
def mute() -> type[Mute]:
    return Mute


# -- beside a session


@define(eq=False)
class Kept:
    """`engine.ports.Alarms` that keeps all it was told, with when that was."""

    opened_s: float = field(factory=trio.current_time)
    held: dict[str, Finding] = field(factory=dict)
    log: list[tuple[float, str, str]] = field(factory=list)
    """Seconds since the beginning, ``began``, ``over`` or ``told``, and the key."""
    findings: list[Finding] = field(factory=list)

    def hold(self, source: str, findings: Iterable[Finding]) -> None:
        assert source == "watch"
        now = {finding.key: finding for finding in findings}
        for key in now.keys() - self.held.keys():
            self._note("began", key)
            self.findings.append(now[key])
        for key in self.held.keys() - now.keys():
            self._note("over", key)
        self.held = now

    def tell(self, finding: Finding) -> None:
        self._note("told", finding.key)
        self.findings.append(finding)

    def standing(self) -> Sequence[Alarm]:
        return ()

    def acknowledge(self, key: str, by: str) -> bool:
        return False

    def _note(self, what: str, key: str) -> None:
        self.log.append((round(trio.current_time() - self.opened_s, 1), what, key))

    def of(self, key: str) -> list[tuple[float, str]]:
        """When this began and was over."""
        return [(at_s, what) for at_s, what, one in self.log if one == key]

    @property
    def keys(self) -> set[str]:
        return {key for _, _, key in self.log}


@define(eq=False)
class Watched:
    """What the watch said of a session, and what its engine was."""

    alarms: Kept
    engine: Engine | None = None
    rows: list[HeardRow] = field(factory=list)
    """As they were at the last look."""
    states: set[tuple[str, str]] = field(factory=set)
    """Each symbol's, ever."""
    beside: dict[str, Any] = field(factory=dict)
    """Parts that are to stand there, too."""

    def attached(self, engine: Engine) -> AbstractAsyncContextManager[None]:
        """Stand beside a session."""
        return self._stand(engine)

    @asynccontextmanager
    async def _stand(self, engine: Engine) -> AsyncIterator[None]:
        engine.alarms = self.alarms
        self.engine = engine
        async with stand_beside(engine, {"watch": serve_watch, "keep": self._keep, **self.beside}):
            yield

    async def _keep(self, engine: Engine) -> None:
        while True:
            await trio.sleep(1.0)
            self.rows = list(engine.heard())
            self.states |= {(row.symbol, row.state) for row in self.rows}

    def row(self, kind: str, symbol: str) -> HeardRow:
        (found,) = [row for row in self.rows if (row.kind, row.symbol) == (kind, symbol)]
        return found


def reading_all(*streams: Stream) -> Any:
    @strategy()
    async def reading(ctx: Context) -> None:
        async with ctx.streams(*streams, full="latest") as events:
            async for _ in events:
                pass

    return reading


@pytest.fixture
def watched() -> Callable[[], Watched]:
    """What a watch says: give its ``attached`` to a session."""
    return lambda: Watched(Kept())


@pytest.fixture
def hold_inline() -> Callable[..., Any]:
    """Run one strategy that trades, with its order file in place: a virtual clock does not wait for threads."""

    async def run(trader: Strategy, *, for_s: float, faults: str = "", session: dict[str, Any], **market: Any) -> None:
        async with open_exchange(ExchangeOptions(faults=parse_faults(faults), **market)) as running:
            options = RunOptions(strategies=(LoadedStrategy(trader, name=trader.name),), for_s=for_s)
            await run_live(evolve(options, **session), exchange=running, run_sync=run_inline)

    return run


@pytest.fixture
def reader() -> Callable[..., Any]:
    """A strategy that reads these streams and does nothing."""
    return reading_all
