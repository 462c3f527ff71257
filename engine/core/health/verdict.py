"""Two questions with two answers: does the engine get on (health), and can it trade now (readiness).

A heartbeat that only proves that a thread lives has kept dead bots green for hours. So health goes by signs: what each
task did last, and within which time it had to do something. A venue that is away is no illness, because the tasks that
try again get on; a task that neither works nor tries is, and is named. Only health restarts an engine (systemd's
watchdog, a container's health check): an engine that merely waits for its venue would be restarted for nothing, with
positions open. Readiness is for people and for whatever starts after this.
"""

from collections.abc import Hashable, Iterator
from typing import Final

from attrs import define, field, frozen

REASONS_MAX: Final = 20
"""What is listed of the reasons: a person reads the first, and the answer stays small."""


@frozen(kw_only=True)
class Sign:
    """The latest proof that one task gets on. Seconds are of the clock that the signs were read by.

    ``at_s``: when it last did something. ``within_s``: how long it may do nothing. ``doing``: what it is at, as words
    that go behind "is", such as ``connecting``.
    """

    task: str
    at_s: float
    within_s: float
    doing: str

    def late_by(self, now_s: float) -> float | None:
        """How long it has done nothing, in seconds, where that is too long; else ``None``."""
        idle_s = now_s - self.at_s
        return idle_s if idle_s > self.within_s else None


@frozen(kw_only=True)
class Progress:
    """All signs of one moment. ``missing``: what is not there yet for trading, a sentence each."""

    at_s: float
    signs: tuple[Sign, ...] = ()
    missing: tuple[str, ...] = ()

    def late(self) -> Iterator[tuple[str, str]]:
        """The tasks that do not get on, each with the reason, which names it."""
        for sign in self.signs:
            idle_s = sign.late_by(self.at_s)
            if idle_s is not None:
                yield (
                    sign.task,
                    f"{sign.task}: is {sign.doing}, and did nothing for {idle_s:.0f} s (at most {sign.within_s:g} s)",
                )


@frozen(kw_only=True)
class Verdict:
    """Yes, or no with reasons, each of which names the task."""

    ok: bool
    reasons: tuple[str, ...] = ()

    @classmethod
    def of(cls, reasons: tuple[str, ...]) -> "Verdict":
        """Yes without reasons; of many the first, and how many there are."""
        if len(reasons) > REASONS_MAX:
            reasons = (*reasons[:REASONS_MAX], f"and {len(reasons) - REASONS_MAX} more")
        return cls(ok=not reasons, reasons=reasons)


def judge_health(progress: Progress | None, *, beat_age_s: float, frozen_after_s: float) -> Verdict:
    """Whether the engine gets on. ``beat_age_s``: how long ago the loop that everything runs on last came round.

    While the loop stands still nothing else is judged: nobody had a chance to give a sign, and naming all of them
    would hide the one that matters.
    """
    if beat_age_s > frozen_after_s:
        return Verdict.of((f"loop: it has stood still for {beat_age_s:.1f} s (at most {frozen_after_s:g} s)",))
    if progress is None:
        return Verdict.of(("loop: it has not given a sign yet",))
    return Verdict.of(tuple(reason for _, reason in progress.late()))


def judge_ready(progress: Progress | None, health: Verdict) -> Verdict:
    """Whether the engine can trade now: it gets on, and nothing is missing."""
    if not health.ok or progress is None:
        return health
    return Verdict.of(progress.missing)


@define(eq=False)
class Movement:
    """Since when things have not changed, for as many things as there are in a round of looking."""

    _seen: dict[Hashable, tuple[object, float]] = field(factory=dict)
    _next: dict[Hashable, tuple[object, float]] = field(factory=dict)

    def since(self, thing: Hashable, state: object, now_s: float) -> float:
        """When this thing came into this state, as far as was looked; ``now_s`` where it just did."""
        known = self._seen.get(thing)
        at_s = known[1] if known is not None and known[0] == state else now_s
        self._next[thing] = (state, at_s)
        return at_s

    def end_round(self) -> None:
        """What was not looked at in this round is gone, and forgotten."""
        self._seen, self._next = self._next, {}
