"""The streams of one feed, listened to: which are silent, whether that is their market's quiet or the line's death.

If everything on a line is silent for longer than its fastest stream ever is, the line is in doubt, and there is one
question and one alarm about it. That stream is the canary. If the line speaks and one stream does not, the doubt is
about that stream. Either way history is asked before anybody is woken.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import define, field, frozen

from engine.core.silence import Proof
from engine.core.watch.doubt import Doubt
from engine.core.watch.ear import Ear, State
from engine.core.watch.halts import Halts
from engine.core.watch.hours import Hours, Market, Part
from engine.core.watch.tuning import WatchTuning
from engine.model.instant import NS_PER_S
from engine.model.market import Kind
from engine.model.stream import ANY, Stream

ASK_EVERY_S: Final = 5.0
"""Questions about single streams of a feed are this far apart, and each is about up to `ASKED_MAX` of one kind: at most
twelve of the two hundred requests a minute that Alpaca's free plan allows."""
ASKED_MAX: Final = 100
"""Streams of one question: what one query of history takes."""
RECYCLE_WINDOW_NS: Final = 3600 * NS_PER_S
"""The hour within which ``recycles_max`` lines of a feed are opened again."""


@frozen(kw_only=True)
class Look:
    """What one look at a feed saw. ``counts``: for each subscribed stream how many events its line has brought ever."""

    now_ns: int
    counts: Mapping[Stream, int]
    live: bool = True
    """Whether its line is open, subscribed, and no stream of it has a hole to be closed."""
    read: bool = True
    """Whether the line is being read; a strategy may hold it up."""
    mutes: int = 0
    """Lines that the feed itself has found dead, ever (`engine.flow.stream.MarketStream.mutes`)."""
    least_s: float = 0.0
    """No silence shorter than this is judged: a real second, in seconds of a market that runs faster."""


@frozen
class Question:
    """What history is to be asked: whether it holds what these streams should have told; empty: any of the feed."""

    at_ns: int
    """The look that asks."""
    streams: tuple[Stream, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it is about the line."""
        return not self.streams


@frozen
class Verdict:
    """What a look came to: history to be asked, and why the line is to be opened again (empty: it is not)."""

    question: Question | None = None
    recycle: str = ""


def declared_s(limit_s: float, tuning: WatchTuning, tick_s: float = 1.0) -> float:
    """The longest that an alarm takes from the last event on, where history has what was missed within ``limit_s``.

    History is asked at the limit and again at twice that; the rest is the pause between two questions, the time that
    "missed" has to stand, and a look more for each.
    """
    return 2.0 * limit_s + ASK_EVERY_S + tuning.confirm_s + 4.0 * tick_s


@define(eq=False, kw_only=True)
class FeedEars:
    """One feed. `look` is told what a look saw, `answer` what history said."""

    feed: str
    market: Market
    tuning: WatchTuning
    ears: dict[Stream, Ear] = field(factory=dict)
    halts: Halts = field(factory=Halts)
    doubt: Doubt = field(factory=Doubt)
    """About the line."""
    from_ns: int = 0
    """From when on the silence of all of it counts."""
    limit_s: float | None = None
    """How long all of it may be silent: the limit of its canary; ``None`` while nothing is due."""
    canary: Stream | None = None
    _now_ns: int = 0
    _part: Part | None = None
    _mutes: int = 0
    _asked_ns: int = 0
    _recycled_ns: deque[int] = field(factory=deque)

    def look(self, look: Look, hours: Hours) -> Verdict:
        """Take a look in; returns what to do about it."""
        now_ns, passed_ns = look.now_ns, max(0, look.now_ns - self._now_ns) if self._now_ns else 0
        self._now_ns = now_ns
        self._turn_part(hours.part_at(self.market, now_ns), now_ns)
        self._match(look.counts, now_ns)
        if not look.live:
            self._begin(now_ns)
            self._take_mutes(look.mutes, now_ns)
            return Verdict()
        if not look.read:
            self._pause(passed_ns)
        late = self._hear(look)
        self._take_mutes(look.mutes, now_ns)
        verdict = self._judge(late, look)
        for ear in late:
            self._settle(ear, now_ns)
        return verdict

    def answer(self, question: Question, proofs: Mapping[Stream, Proof] | Proof, now_ns: int) -> None:
        """What history said: one word about the line, or one for each stream of the question."""
        if isinstance(proofs, str):
            self.doubt.answer(proofs, question.at_ns, now_ns)
            return
        for stream in question.streams:
            ear = self.ears.get(stream)
            if ear is not None:
                ear.doubt.answer(proofs.get(stream, "unknown"), question.at_ns, now_ns)

    @property
    def silent(self) -> list[Ear]:
        """The streams about which an alarm stands, in the order in which they were found."""
        found = [ear for ear in self.ears.values() if ear.doubt.alarmed_ns]
        return sorted(found, key=lambda ear: (ear.doubt.found_ns, ear.stream))

    # -- what a look changes

    def _turn_part(self, part: Part | None, now_ns: int) -> None:
        if part is self._part:
            return
        self._part = part
        for ear in self.ears.values():
            ear.enter(part, now_ns, grace_s=self.tuning.grace_s)
        self.from_ns = now_ns + round(self.tuning.grace_s * NS_PER_S)
        self.doubt.end()

    def _match(self, counts: Mapping[Stream, int], now_ns: int) -> None:
        """Hear the streams that are subscribed to, and no others."""
        if self.ears.keys() == counts.keys():
            return
        for stream in self.ears.keys() - counts.keys():
            del self.ears[stream]
            if stream.kind is Kind.STATUSES:  # nobody will say any more that a halt is over
                self.halts.unhear(stream.symbol)
        for stream in counts.keys() - self.ears.keys():
            ear = Ear(stream=stream, market=self.market, tuning=self.tuning, count=counts[stream])
            self.ears[stream] = ear
            ear.enter(self._part, now_ns)
        self.from_ns = max(self.from_ns, now_ns)

    def _begin(self, now_ns: int) -> None:
        """There is no live line: nothing is judged, and nothing is known of halts when it is back."""
        for ear in self.ears.values():
            ear.begin(now_ns)
            ear.state, ear.limit_s = State.WAITING, None
        self.from_ns, self.limit_s, self.canary = now_ns, None, None
        self.doubt.forget()
        self.halts.clear()

    def _pause(self, passed_ns: int) -> None:
        for ear in self.ears.values():
            ear.pause(passed_ns)
        self.from_ns += passed_ns

    def _take_mutes(self, mutes: int, now_ns: int) -> None:
        """The feed found its own line dead and opens it again: an alarm, until it is heard at a later look."""
        if mutes > self._mutes:
            self.doubt.alarmed_ns = self.doubt.alarmed_ns or now_ns
        self._mutes = mutes

    def _hear(self, look: Look) -> list[Ear]:
        """Take the counts in, and choose the canary; returns the streams that are over their limit, or alarmed.

        This goes over every stream of a feed once a second, so the common case (it spoke lately) is kept short.
        """
        now_ns, counts, halts, named = look.now_ns, look.counts, self.halts, self.tuning.canary
        late: list[Ear] = []
        heard = False
        fastest: tuple[bool, float, Ear] | None = None
        for stream, ear in self.ears.items():
            count = counts[stream]
            if count != ear.count:
                heard = True
                ear.hear(count, now_ns)
                if halts and stream.kind is Kind.TRADES:
                    halts.traded(stream.symbol, now_ns)
            limit_s = ear.allow(look.least_s)
            if limit_s is None:
                ear.rest()
                continue
            if halts and halts.halted(stream.kind, stream.symbol):
                ear.halt(now_ns)
                continue
            unnamed = bool(named) and stream.symbol not in named
            if fastest is None or (unnamed, limit_s) < fastest[:2]:
                fastest = unnamed, limit_s, ear
            if now_ns - ear.from_ns < limit_s * NS_PER_S and not ear.doubt.alarmed_ns:
                ear.state = State.LIVE if ear.heard_ns else State.WAITING
            else:
                late.append(ear)
        self.canary, self.limit_s = (None, None) if fastest is None else (fastest[2].stream, fastest[1])
        if heard:
            self.from_ns = max(self.from_ns, now_ns)
            self.doubt.end()
        return late

    # -- what it means

    def _judge(self, late: list[Ear], look: Look) -> Verdict:
        now_ns = look.now_ns
        if self.canary is None or self.limit_s is None:
            self.doubt.end()
            return Verdict()
        silent_s = max(0.0, (now_ns - self.from_ns) / NS_PER_S)
        confirm_s = max(self.tuning.confirm_s, look.least_s)
        unproved_s = self.ears[self.canary].unproved_s
        if self.doubt.judge(now_ns, self.from_ns, confirm_s=confirm_s, unproved_s=unproved_s):
            return Verdict(recycle=self._recycle(f"nothing for {silent_s:.0f} s", now_ns))
        if silent_s >= self.limit_s:
            if not self.doubt.wants_asking(silent_s, self.limit_s):
                return Verdict()
            self.doubt.ask(silent_s, self.limit_s, now_ns)
            return Verdict(Question(now_ns))
        found = [ear for ear in late if ear.judge(now_ns, look.least_s)]
        reason = ""
        if found:
            named = ", ".join(str(ear.stream) for ear in found[:3]) + (" and more" if len(found) > 3 else "")
            reason = self._recycle(f"nothing of {named}", now_ns)
        return Verdict(self._ask(late, now_ns), reason)

    def _ask(self, late: Iterable[Ear], now_ns: int) -> Question | None:
        """The streams of one kind whose time to be asked about has come; of several kinds the one most overdue."""
        if now_ns - self._asked_ns < ASK_EVERY_S * NS_PER_S:
            return None
        overdue: dict[Kind, list[tuple[float, Ear]]] = {}
        for ear in late:
            assert ear.limit_s is not None
            silent_s = ear.silent_s(now_ns)
            if silent_s >= ear.limit_s and ear.doubt.wants_asking(silent_s, ear.limit_s):
                overdue.setdefault(ear.stream.kind, []).append((ear.doubt.overdue(silent_s, ear.limit_s), ear))
        if not overdue:
            return None
        _, kind = max((max(share for share, _ in ears), kind) for kind, ears in overdue.items())
        chosen = sorted(overdue[kind], key=lambda each: -each[0])[:ASKED_MAX]
        self._asked_ns = now_ns
        for _, ear in chosen:
            ear.doubt.ask(ear.silent_s(now_ns), ear.limit_s or 0.0, now_ns)
        return Question(now_ns, tuple(ear.stream for _, ear in chosen))

    def _recycle(self, reason: str, now_ns: int) -> str:
        """The reason, if the line may be opened again for it."""
        while self._recycled_ns and now_ns - self._recycled_ns[0] > RECYCLE_WINDOW_NS:
            self._recycled_ns.popleft()
        if not self.tuning.recycle or len(self._recycled_ns) >= self.tuning.recycles_max:
            return ""
        self._recycled_ns.append(now_ns)
        return reason

    def _settle(self, ear: Ear, now_ns: int) -> None:
        """The word for a stream that is over its limit, or alarmed."""
        assert ear.limit_s is not None
        if ear.doubt.alarmed_ns:
            ear.state = State.SILENT
        elif ear.silent_s(now_ns) < ear.limit_s:
            ear.state = State.LIVE if ear.heard_ns else State.WAITING
        elif self.doubt.alarmed_ns:
            ear.state = State.SILENT
        else:
            ear.state = State.QUIET if ear.heard_ns else State.WAITING


def is_wild(question: Question) -> bool:
    """Whether a question is about a subscription to everything, which history can answer for a whole feed only."""
    return any(stream.symbol == ANY for stream in question.streams)
