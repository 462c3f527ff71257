"""What a check found, and what all checks work with."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias

from attrs import frozen

from engine.app.replay.options import Replayed, ReplayOptions
from engine.ports.tape import Tape

Outcome: TypeAlias = Literal["ok", "finding", "skipped"]
"""``skipped``: the check has nothing to say about this strategy on this tape, and its sentence says why."""
Run: TypeAlias = Callable[[ReplayOptions, Tape], Replayed]
"""One replay of an opened tape. Each run needs a tape of its own, because a tape has a place in it."""


@frozen(kw_only=True)
class Verdict:
    """What one check says. ``evidence`` are the lines that show it, ``advice`` is what to do about a finding."""

    check: str
    outcome: Outcome
    sentence: str
    evidence: tuple[str, ...] = ()
    advice: str = ""


@frozen(kw_only=True)
class ChildRun:
    """What a replay in a process of its own came to; ``lines`` are its decisions, ``trouble`` is why it has none."""

    fingerprint: str = ""
    lines: tuple[str, ...] = ()
    trouble: str = ""


class Child(Protocol):
    """Runs the same replay in a fresh interpreter."""

    def __call__(self, *, hash_seed: int, sealed: bool) -> ChildRun: ...


@frozen(kw_only=True)
class Bench:
    """What is looked at, and the means to run it again under other conditions."""

    options: ReplayOptions
    open_tape: Callable[[], Tape]
    """The same tape from its beginning, each time."""
    run: Run
    whole: Replayed
    """The run as it is, which all others are held against."""
    broken_seal: tuple[str, ...] = ()
    """What the seal refused, or the sentences of the strategies that failed behind it and not without it."""
    child: Child | None = None

    def again(self, options: ReplayOptions | None = None, tape: Tape | None = None) -> Replayed:
        """Another run; by default exactly as ``whole`` was."""
        return self.run(options or self.options, tape or self.open_tape())

    @property
    def names(self) -> Sequence[str]:
        """The strategies, by their names in the session."""
        return [loaded.name for loaded in self.options.strategies]


Check: TypeAlias = Callable[[Bench], Verdict]


def failures(run: Replayed) -> dict[str, str]:
    """The strategies that failed in a run, each with its sentence."""
    return {row.name: row.error for row in run.report.strategies if row.error}
