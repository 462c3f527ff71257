"""What the checks found, for a person and for a program."""

from collections.abc import Sequence
from typing import Any, Final

from attrs import asdict

from engine.app.lint.verdict import Bench, Verdict

MARKS: Final = {"ok": "ok", "finding": "FOUND", "skipped": "-"}
CLEAN: Final = 0
FOUND: Final = 1


def render(verdict: Verdict) -> str:
    """One line, and below it what shows a finding and what to do."""
    lines = [f"{MARKS[verdict.outcome]:<6}{verdict.check:<10}{verdict.sentence}"]
    lines += [f"{'':<16}{line}" for line in verdict.evidence]
    if verdict.outcome == "finding":
        lines.append(f"{'':<16}{verdict.advice}")
    return "\n".join(lines)


def closing_words(verdicts: Sequence[Verdict], bench: Bench) -> str:
    """The last line."""
    found = sum(verdict.outcome == "finding" for verdict in verdicts)
    whole = bench.whole
    if not found and not whole.decisions:
        return (
            f"Nothing found, and little was looked at: in {whole.events} events it decided nothing. Give it other "
            "events (--tape; --minutes, --seed, --symbols of the made market) or parameters (--set)."
        )
    looked = f"{len(whole.decisions)} decisions over {whole.events} events; fingerprint {whole.fingerprint}"
    return f"{'Clean' if not found else f'{found} finding' + 's' * (found > 1)}: {looked}"


def to_json(verdicts: Sequence[Verdict], bench: Bench) -> dict[str, Any]:
    """Plain values."""
    return {
        "strategies": list(bench.names),
        "clean": exit_code(verdicts) == CLEAN,
        "fingerprint": bench.whole.fingerprint,
        "decisions": len(bench.whole.decisions),
        "events": bench.whole.events,
        "checks": [asdict(verdict) for verdict in verdicts],
    }


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """0 clean, 1 if anything was found."""
    return FOUND if any(verdict.outcome == "finding" for verdict in verdicts) else CLEAN
