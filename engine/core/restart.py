"""When to try again, when to stop trying, and what is told of it: arithmetic, no clock and no dice of its own.

Three mistakes are common. Resetting the back-off on *connect* hammers a venue that accepts and drops; retrying without
jitter makes a thousand clients return in step; a retry loop without a budget hides a dead feed for ever. So a streak
ends only after ``healthy_after_s`` of running, the delay is drawn from a seeded `Random` that is handed in, and a
streak of more than ``restarts_max`` restarts inside ``window_s`` is over: the caller escalates.
"""

from random import Random

from attrs import define, evolve, field, frozen
from attrs.validators import ge, gt, le


@frozen(kw_only=True)
class RestartPolicy:
    """How a supervised task is restarted. Seconds are those of the supervisor's clock.

    The delay before restart ``n`` of a streak is ``delay_initial_s * factor**(n-1)``, at most ``delay_max_s``, of which
    a share of up to ``jitter`` (0 to 1) is taken off at random.
    """

    delay_initial_s: float = field(default=0.1, validator=ge(0))
    delay_max_s: float = field(default=30.0, validator=ge(0))
    factor: float = field(default=2.0, validator=ge(1))
    jitter: float = field(default=0.5, validator=[ge(0), le(1)])
    # With the delays above about 35 restarts fall into ten minutes, so by default an outage is waited out however long
    # it lasts; a policy with shorter delays, or a lower budget, escalates.
    restarts_max: int = field(default=60, validator=ge(0))
    window_s: float = field(default=600.0, validator=gt(0))
    healthy_after_s: float = field(default=5.0, validator=ge(0))


@frozen
class Streak:
    """The restarts since the task was last healthy: when each was decided, in the supervisor's seconds."""

    length: int = 0
    times_s: tuple[float, ...] = ()


@frozen
class Decision:
    """What to do now: wait ``delay_s`` and restart, or escalate when it is ``None``."""

    streak: Streak
    delay_s: float | None


def decide_restart(
    policy: RestartPolicy,
    streak: Streak,
    *,
    ran_s: float,
    now_s: float,
    random: Random,
    asked_delay_s: float | None = None,
    counts: bool = True,
) -> Decision:
    """Decide after a failure of a run that lasted ``ran_s``.

    ``asked_delay_s`` is a delay that the venue asked for, kept as a minimum. A failure that does not count against the
    budget (``counts=False``: our own ghost session is still being waited out) still lengthens the delay.
    """
    if ran_s >= policy.healthy_after_s:
        streak = Streak()
    recent = tuple(at for at in streak.times_s if now_s - at < policy.window_s)
    if counts:
        if len(recent) >= policy.restarts_max:
            return Decision(evolve(streak, times_s=recent), None)
        recent = (*recent, now_s)
    # 63 doublings are past any delay_max_s; the bound keeps factor**n a float.
    delay_s = min(policy.delay_max_s, policy.delay_initial_s * policy.factor ** min(streak.length, 63))
    delay_s *= 1.0 - policy.jitter * random.random()
    return Decision(Streak(streak.length + 1, recent), max(delay_s, asked_delay_s or 0.0))


@define(eq=False)
class Outage:
    """What a person is told of a line that is down: one sentence when it goes, one when it is back, none between.

    A line that cannot be opened is tried every few seconds for as long as it takes, and each try told would bury the
    one thing that matters under a thousand that repeat it. ``name`` is what the sentences begin with: ``feed iex``.
    """

    name: str
    since_s: float | None = None
    """When it began, in the seconds of whoever asks; ``None`` while the line is well."""
    tries: int = 0
    gaps: int = 0
    """Holes that were declared since."""

    def fail(self, reason: str, now_s: float, retry_in_s: float) -> str:
        """The line ended, or could not be opened; returns what is to be told, empty if it was told before."""
        self.tries += 1
        if self.since_s is not None:
            return ""
        self.since_s, self.gaps = now_s, 0
        return f"{self.name}: down: {reason.rstrip('.')}. Trying again in {retry_in_s:.1f} s, and until it is back."

    def end(self, now_s: float, recovered: str) -> str:
        """The line tells the present again; ``recovered``: what of the past it brought, in words."""
        if self.since_s is None:
            return ""
        tries = f"{self.tries} tries" if self.tries > 1 else "1 try"
        sentence = f"{self.name}: back after {now_s - self.since_s:.1f} s and {tries}: {recovered}."
        self.since_s, self.tries = None, 0
        return sentence


def told_recovery(recovered: int, gaps: int) -> str:
    """What became of what a feed missed: ``recovered`` events were read from history, ``gaps`` holes stay."""
    events = f"{recovered:,} events recovered" if recovered != 1 else "1 event recovered"
    if not gaps:
        return f"{events}, nothing is missing" if recovered else "nothing was missed"
    return f"{events}, {gaps} {'hole stays' if gaps == 1 else 'holes stay'} open"
