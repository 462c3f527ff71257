"""What a verification tells: words and a table for a person, one JSON object for a program."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.app.screen.tables import Sheet, count, render_plain
from engine.core.fingerprint import fingerprint
from engine.flow.journal.again import Difference, Verified
from engine.flow.journal.again.verifier import describe
from engine.model.instant import render_instant

WORDS_MAX: Final = 100
"""Letters of one input in the table; whole in ``--json``."""


def tell(strategies: Sequence[Verified], folder: Path, changed: Sequence[str], *, as_json: bool) -> None:
    """Print what came of it."""
    text = msgspec.json.encode(to_json(strategies, folder, changed)).decode() if as_json else words(strategies, changed)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def words(strategies: Sequence[Verified], changed: Sequence[str]) -> str:
    """What a person is told."""
    parts = [f"{name}: its file is another one than in the session." for name in changed]
    parts += [_difference(one.difference) for one in strategies if one.difference is not None]
    parts += [
        f"{one.strategy}: its journal ends before it did (the session was killed, or still runs); verified up to there."
        for one in strategies
        if one.identical and not one.finished
    ]
    same = [one for one in strategies if one.identical]
    if len(same) == len(strategies):
        decisions, calls = sum(one.decisions for one in same), sum(one.calls for one in same)
        parts.append(
            f"identical: {count(decisions)} decisions, {count(calls)} calls of {len(same)} "
            f"{'strategy' if len(same) == 1 else 'strategies'}"
        )
    prints = {one.strategy: one.fingerprint for one in same if one.fingerprint}
    parts += [f"{value}  {name}" for name, value in prints.items()]
    if len(prints) > 1 and len(same) == len(strategies):
        parts.append(f"{fingerprint(prints)}  all")
    return "\n".join(parts)


def _difference(difference: Difference) -> str:
    rows = [*difference.before, *([difference.cause] if difference.cause else [])]
    sheet = Sheet(
        "Before it",
        ("<market time", "<what the strategy was told"),
        tuple((render_instant(at_ns), _cut(text)) for at_ns, text in rows),
    )
    cause = f"\n  cause: {difference.cause[1]}" if difference.cause else ""
    return (
        f"{difference.strategy} differs at {render_instant(difference.at_ns)}:\n"
        f"  then:  {_then(difference)}\n  now:   {difference.now or 'nothing'}{cause}\n\n{render_plain(sheet)}"
    )


def _cut(text: str) -> str:
    return text if len(text) <= WORDS_MAX else f"{text[:WORDS_MAX]} ..."


def _then(difference: Difference) -> str:
    return "nothing" if difference.recorded is None else describe(difference.recorded)


def to_json(strategies: Sequence[Verified], folder: Path, changed: Sequence[str]) -> dict[str, Any]:
    """Plain values."""
    prints = {one.strategy: one.fingerprint for one in strategies if one.fingerprint}
    return {
        "session": str(folder),
        "identical": all(one.identical for one in strategies),
        "fingerprint": fingerprint(prints),
        "changed": list(changed),
        "strategies": [
            {
                "name": one.strategy,
                "identical": one.identical,
                "finished": one.finished,
                "decisions": one.decisions,
                "calls": one.calls,
                "fingerprint": one.fingerprint,
                "difference": None if one.difference is None else _difference_json(one.difference),
            }
            for one in strategies
        ],
    }


def _difference_json(difference: Difference) -> dict[str, Any]:
    return {
        "at": render_instant(difference.at_ns),
        "then": _then(difference),
        "now": difference.now,
        "cause": None if difference.cause is None else list(difference.cause),
        "before": [list(row) for row in difference.before],
    }
