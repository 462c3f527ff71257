"""One stream as the watch hears it: when it last spoke, how long it may be silent, what history said about that.

It is heard by looks, one a second, at the count of what its line brought; nothing is done for an event. So a gap is
measured a little long, and never short, and a stream that speaks often is known to speak once a look.
"""

from enum import StrEnum

from attrs import define, field

from engine.core.watch.bounds import Bounds, bounds_of
from engine.core.watch.cadence import Cadence
from engine.core.watch.doubt import Doubt
from engine.core.watch.hours import EXPECTED, Market, Part
from engine.core.watch.tuning import WatchTuning
from engine.model.instant import NS_PER_S
from engine.model.stream import Stream


class State(StrEnum):
    """What a stream is doing, in the words of `engine.app.beside.overview.HeardRow`."""

    LIVE = "live"
    WAITING = "waiting"
    """Not heard yet, or its line is being opened again."""
    QUIET = "quiet"
    """Longer than its limit, and nothing is known to be missing."""
    SILENT = "silent"
    HALTED = "halted"
    CLOSED = "closed"


@define(eq=False, kw_only=True)
class Ear:
    """One stream. Instants are market time."""

    stream: Stream
    market: Market
    tuning: WatchTuning
    count: int
    """Events that its line has brought, as of the last look."""
    from_ns: int = 0
    """From when on its silence counts: its last event, or when it became due after that."""
    heard_ns: int = 0
    """The look that found its last event; 0 before the first."""
    state: State = State.WAITING
    limit_s: float | None = None
    """How long it may be silent now; ``None`` while nothing is due."""
    part: Part | None = None
    doubt: Doubt = field(factory=Doubt)
    cadences: dict[Part, Cadence] = field(factory=dict)
    _whole: bool = False
    """Whether it was listened to without a break since its last event."""
    _entered_ns: int = 0
    _bounds: Bounds | None = None
    _cadence: Cadence | None = None
    _allowed_s: float | None = None

    def enter(self, part: Part | None, now_ns: int, *, grace_s: float = 0.0) -> None:
        """A part of the day begins, or this stream, in the middle of one."""
        self.part, self._entered_ns = part, now_ns
        self._bounds = None if part is None else bounds_of(self.market, part, self.stream.kind, self.tuning.patience)
        self._cadence = None
        if part is not None and self._bounds is not None:
            self._cadence = self.cadences.setdefault(part, Cadence())
        self._work_out()
        self.begin(now_ns + round(grace_s * NS_PER_S))
        self.doubt.end()

    def begin(self, from_ns: int) -> None:
        """Silence counts from here on; what was said about it before is forgotten."""
        self.from_ns = from_ns
        self._whole = False
        self.doubt.forget()

    def hear(self, count: int, now_ns: int) -> None:
        """A look found new events of it."""
        cadence = self._cadence
        if self._whole and cadence is not None and not self.doubt.alarmed_ns:
            learnt_s = cadence.learnt_s
            cadence.learn((now_ns - self.heard_ns) / NS_PER_S)
            if cadence.learnt_s != learnt_s:
                self._work_out()
        self.count, self.heard_ns, self.from_ns = count, now_ns, max(now_ns, self.from_ns)
        self._whole = True
        if self.doubt.began:
            self.doubt.end()

    def pause(self, passed_ns: int) -> None:
        """For so long it could not be heard, whatever its line brought: its clock stands still."""
        self.from_ns += passed_ns
        self._whole = False

    def halt(self, now_ns: int) -> None:
        """Its symbol is halted: silence will count from the resumption."""
        self.begin(now_ns)
        self.doubt.end()
        self.state, self.limit_s = State.HALTED, None

    def rest(self) -> None:
        """Nothing is due of it: the market is closed, or it never spoke in these hours, or its kind owes nothing."""
        self.limit_s = None
        self.doubt.end()
        if self.part is None or (self._bounds is not None and self.heard_ns <= self._entered_ns):
            self.state = State.CLOSED
        else:
            self.state = State.LIVE if self.heard_ns else State.WAITING

    @property
    def expected(self) -> bool:
        """Whether these are the hours in which every stream of its market speaks."""
        return self.part is not None and EXPECTED.get(self.market) is self.part

    @property
    def learnt_s(self) -> float | None:
        """The gap that it seldom exceeds in this part of the day; ``None``: not known yet."""
        return None if self._cadence is None else self._cadence.learnt_s

    def _work_out(self) -> None:
        """How long it may be silent in this part of the day, by what is learnt now."""
        self._allowed_s = None
        if self._cadence is not None and self._bounds is not None and (self.expected or self.learnt_s is not None):
            self._allowed_s = self._cadence.limit_s(self._bounds, self.tuning.margin)

    def allow(self, least_s: float) -> float | None:
        """Set ``limit_s``, at least ``least_s``; ``None`` unless it is due now: in regular hours, and in others if it
        was learnt to speak there."""
        limit_s = self._allowed_s
        self.limit_s = least_s if limit_s is not None and limit_s < least_s else limit_s
        return self.limit_s

    def silent_s(self, now_ns: int) -> float:
        """For how long it has owed something and brought nothing; never negative."""
        return max(0.0, (now_ns - self.from_ns) / NS_PER_S)

    @property
    def unproved_s(self) -> float:
        """The silence that is an alarm although history cannot say; infinite where only proof counts."""
        if not self.expected or self.limit_s is None:
            return float("inf")
        return self.tuning.unproved_factor * max(self.limit_s, self.learnt_s or 0.0)

    def judge(self, now_ns: int, least_s: float) -> bool:
        """Whether its silence becomes an alarm now; see `Doubt.judge`."""
        return self.doubt.judge(
            now_ns, self.from_ns, confirm_s=max(self.tuning.confirm_s, least_s), unproved_s=self.unproved_s
        )
