"""One alarm of the book: what is known of it, what a person has been told of it, and what is to be told next.

A condition comes and goes. It is *settled* when it has been away for a while; until then coming back is no news. What
was told has to be told to be over, once, and what was never told has not. So a person who reads only the notices is
never left with a wrong picture for longer than the limits below, and is told of no alarm more than twice in ten
minutes.
"""

from collections import deque
from typing import Final

from attrs import define, evolve, field

from engine.core.alerts.notice import Why
from engine.core.alerts.policy import AlertPolicy
from engine.model.alert import Alarm, Finding, Severity

NOTICES_MAX: Final = 2
NOTICES_WITHIN_S: Final = 600.0
"""No more notices about one alarm within this time; a rise of its severity is told all the same."""
OVER_EVERY_S: Final = 600.0
"""No more often is one alarm told to be over: something that comes and goes all day is not over each time."""
CALM_AFTER: Final = 2.0
"""An alarm of which nothing was told for so many of the longest intervals is told as if for the first time."""
OPEN_S: Final = 86_400.0
"""An occurrence that nobody has looked at for a day is let go: it is in the log, and older than today's worries."""
TEXT_CHARS_MAX: Final = 1000
"""Of what a finding says beside its title; the book holds thousands."""
NEVER_S: Final = float("inf")


def clipped(finding: Finding) -> Finding:
    """A finding of bounded length."""
    if len(finding.text) <= TEXT_CHARS_MAX:
        return finding
    return evolve(finding, text=finding.text[: TEXT_CHARS_MAX - 1] + "…")


@define(eq=False)
class Entry:
    """An alarm. All times in seconds of the book's clock."""

    finding: Finding
    since_s: float
    last_s: float = field(init=False)
    count: int = 1
    by: str = ""
    """Who acknowledged it."""
    holders: set[str] = field(factory=set)
    """The sources that find it to hold."""
    happened: bool = False
    """Whether it was told as an occurrence that nobody has looked at."""
    ended_s: float | None = None
    """Since when it does not hold; ``None`` while it does, or waits to be looked at."""
    settled: bool = False
    unsaid: bool = True
    """Whether there is news of it that was not told."""
    rose: bool = False
    """Whether the news is that it is worse."""
    said: Severity | None = None
    """As what a person knows it to stand; ``None``: a person does not, or was told that it is over."""
    said_first_s: float = 0.0
    escalated: bool = False
    queued_s: float = NEVER_S
    """When the book will look at it next at the latest, without anything new."""
    _notices_s: deque[float] = field(factory=lambda: deque(maxlen=NOTICES_MAX))
    _streak: int = 0
    _over_s: float = -NEVER_S

    def __attrs_post_init__(self) -> None:
        self.last_s = self.since_s

    @property
    def over(self) -> bool:
        """Whether it no longer holds."""
        return self.ended_s is not None

    @property
    def severity(self) -> Severity:
        """How bad it is, or was when it was told."""
        said, found = self.said, self.finding.severity
        return found if said is None or found.rank >= said.rank else said

    @property
    def done(self) -> bool:
        """Whether it is over and nothing is left to be said."""
        return self.settled and not self.unsaid and self.said is None

    def alarm(self) -> Alarm:
        """The alarm as others see it."""
        return Alarm(
            finding=self.finding,
            since_s=self.since_s,
            last_s=self.last_s,
            count=self.count,
            acknowledged=self.by,
            over=self.over,
        )

    # -- what is found

    def found(self, finding: Finding, now_s: float) -> bool:
        """It is found to hold still; whether it got worse."""
        worse = finding.severity.rank > self.finding.severity.rank
        self.finding, self.last_s = clipped(finding), now_s
        if self.said is not None and finding.severity.rank > self.said.rank:
            self.unsaid = self.rose = True
            self.by = ""
        return worse

    def come(self, finding: Finding, now_s: float) -> bool:
        """It is found, and was not just before; whether that is a new alarm."""
        new = self.settled
        if self.settled:
            self._begin(now_s)
        else:
            self.count += 1
        self.ended_s = None
        return self.found(finding, now_s) or new

    def happen(self, finding: Finding, now_s: float, settle_s: float) -> bool:
        """It happened again; whether that is a new alarm."""
        quiet_s = now_s - self.last_s
        new = self.over
        if self.over:
            self._begin(now_s)
            self.ended_s = None
        else:
            self.count += 1
            self.unsaid = self.unsaid or (quiet_s > settle_s and not self.by)
        self.happened = True
        return self.found(finding, now_s) or new

    def _begin(self, now_s: float) -> None:
        """A new alarm under an old key, unless a person was never told that the last one was over."""
        self.since_s, self.count, self.by, self.settled = now_s, 1, "", False
        if self.said is None:
            self.unsaid, self.rose, self.escalated = True, False, False

    def end(self, now_s: float) -> None:
        """Nobody finds it any more."""
        if not self.holders and not self.happened and self.ended_s is None:
            self.ended_s, self.settled = now_s, False

    def acknowledge(self, by: str, now_s: float) -> None:
        """Somebody has seen it: nothing of it is news any more, and an occurrence is over with that."""
        self.by, self.unsaid, self.rose = by, False, False
        if self.happened:
            self._let_go(now_s)

    def _let_go(self, now_s: float) -> None:
        self.happened = False
        if not self.holders:
            self.ended_s, self.settled, self.said = now_s, True, None

    # -- what is told

    def settle(self, now_s: float, policy: AlertPolicy) -> bool:
        """Let time pass; whether it is over only now, after having been away for long enough."""
        if self.happened and now_s - self.last_s >= OPEN_S and not self.unsaid:
            self._let_go(now_s)
            return True
        if self.ended_s is None or self.settled or now_s - self.ended_s < policy.settle_s:
            return False
        self.settled = True
        return True

    def next_step(self, policy: AlertPolicy) -> tuple[Why | None, float]:
        """What is to be told of it next, and from when on."""
        if self.unsaid:
            if self.rose or not self._notices_s:
                return Why.RAISED, -NEVER_S
            return Why.AGAIN, max(self._room_s(), self._again_s(policy))
        if self.ended_s is not None:
            if self.said is None:
                return None, self.ended_s + policy.settle_s
            return Why.OVER, max(self.ended_s + policy.settle_s, self._over_s + OVER_EVERY_S)
        if self.said is self.finding.severity is Severity.CRITICAL and not self.by:
            due_s = self._notices_s[-1] + _grown(policy, self._streak)
            if not self.escalated:
                due_s = min(due_s, self.said_first_s + policy.escalate_after_s)
            return Why.REMINDER, max(due_s, self._room_s())
        return None, self.last_s + OPEN_S if self.happened else NEVER_S

    def look_s(self, policy: AlertPolicy) -> float:
        """When it is to be looked at next, if nothing is found meanwhile."""
        at_s = self.next_step(policy)[1]
        return at_s if self.ended_s is None or self.settled else min(at_s, self.ended_s + policy.settle_s)

    def further(self, why: Why, now_s: float, policy: AlertPolicy) -> bool:
        """Whether a notice goes to the further channels, or went there before."""
        if why is Why.REMINDER and now_s - self.said_first_s >= policy.escalate_after_s:
            self.escalated = True
        return self.escalated

    def say(self, why: Why, now_s: float, policy: AlertPolicy) -> None:
        """It is told now."""
        if why is Why.OVER:
            self.said, self.escalated, self._over_s = None, False, now_s
            return
        if self._notices_s and now_s - self._notices_s[-1] >= CALM_AFTER * policy.remind_max_s:
            self._streak = 0
        if self.said is None:
            self.said_first_s = now_s
        self._streak += 1
        self._notices_s.append(now_s)
        self.unsaid = self.rose = False
        # What was over when it was told was told to be over with that.
        self.said = None if self.over else self.severity

    def _room_s(self) -> float:
        """From when on there is room for a notice within the limit of this alarm."""
        return self._notices_s[0] + NOTICES_WITHIN_S if len(self._notices_s) >= NOTICES_MAX else -NEVER_S

    def _again_s(self, policy: AlertPolicy) -> float:
        """From when on news of what comes and goes is told: the second time at once, then ever more seldom."""
        if self._streak < NOTICES_MAX or not self._notices_s:
            return -NEVER_S
        return self._notices_s[-1] + _grown(policy, self._streak - 1)


def _grown(policy: AlertPolicy, step: int) -> float:
    """The interval after the ``step``-th notice: doubled each time, up to the longest."""
    return min(policy.remind_after_s * 2.0 ** min(max(step, 1) - 1, 30), policy.remind_max_s)
