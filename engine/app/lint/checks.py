"""All checks, in the order in which they are made: the ones that explain the others first."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from engine.app.lint.ahead import check_future, check_prefix, check_repeat
from engine.app.lint.dice import check_hash, check_random, check_schedule
from engine.app.lint.flags import CheckName
from engine.app.lint.leaving import check_cancel, check_stretch
from engine.app.lint.verdict import Bench, Check, Verdict
from engine.app.lint.warmup import check_warmup


def check_sealed(bench: Bench) -> Verdict:
    """The first run was sealed: whoever failed there, and does not without the seal, reached outside."""
    if not bench.broken_seal:
        return Verdict(
            check="sealed", outcome="ok", sentence="It read no wall clock, did no I/O and started no thread."
        )
    return Verdict(
        check="sealed",
        outcome="finding",
        sentence="It does what a replay cannot repeat, and was refused.",
        evidence=bench.broken_seal,
        advice="Take time from ctx.now_ns() and trio, data from ctx, and read files before the session, as parameters.",
    )


CHECKS: Final[Mapping[CheckName, Check]] = {
    "sealed": check_sealed,
    "repeat": check_repeat,
    "random": check_random,
    "hash": check_hash,
    "schedule": check_schedule,
    "prefix": check_prefix,
    "future": check_future,
    "warmup": check_warmup,
    "cancel": check_cancel,
    "stretch": check_stretch,
}
RESTS_ON_REPEAT: Final = frozenset({"schedule", "prefix", "future", "warmup"})
"""They compare two runs: where two equal runs differ, a difference says nothing."""


def make_checks(bench: Bench, only: Collection[CheckName] = ()) -> Iterator[Verdict]:
    """The verdict of each check, one after the other; ``only`` names some of them."""
    unsteady = ""
    for name, check in CHECKS.items():
        if only and name not in only:
            continue
        if unsteady and name in RESTS_ON_REPEAT:
            yield Verdict(check=name, outcome="skipped", sentence=f"Two equal runs differ already: see {unsteady}.")
            continue
        verdict = check(bench)
        if verdict.outcome == "finding" and name in ("repeat", "random"):
            unsteady = unsteady or name
        yield verdict
