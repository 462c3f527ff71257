"""What a verification tells: words and a table for a person, one JSON object for a program."""

import json
import sys
from typing import Any, Final

import msgspec

from engine.app.screen.tables import Sheet, count, render_plain
from engine.app.verify.verification import Verdict, Verification
from engine.core.fingerprint import fingerprint
from engine.flow.journal.again import Difference
from engine.flow.journal.again.telling import describe
from engine.model.instant import render_instant
from engine.model.journal import Answered, Asked, Took

OUTSIDE_MAX: Final = 3
"""Calls beside the context that are named; all of them in ``--json``."""
WORDS_MAX: Final = 100
"""Letters of one input in the table; whole in ``--json``."""


def tell(verification: Verification, *, as_json: bool) -> None:
    """Print what came of it."""
    text = msgspec.json.encode(to_json(verification)).decode() if as_json else words(verification)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def words(verification: Verification) -> str:
    """What a person is told."""
    verdicts = verification.verdicts
    parts = [_changed(one) for one in verdicts if one.changed]
    parts += [_difference(one, verification) for one in verdicts if not one.verified.identical]
    parts += [
        f"{one.name}: its journal ends before it did (the session was killed, or still runs); verified up to there."
        for one in verdicts
        if one.verified.identical and not one.verified.finished
    ]
    same = [one.verified for one in verdicts if one.verified.identical]
    decisions, calls = sum(one.decisions for one in same), sum(one.calls for one in same)
    if same:
        names = "" if verification.identical else f": {', '.join(one.strategy for one in same)}"
        parts.append(
            f"identical: {count(decisions)} decisions, {count(calls)} calls of {len(same)} "
            f"{'strategy' if len(same) == 1 else 'strategies'}{names}"
        )
    prints = {one.strategy: one.fingerprint for one in same if one.fingerprint}
    parts += [f"{value}  {name}" for name, value in prints.items()]
    if len(prints) > 1 and verification.identical:
        parts.append(f"{fingerprint(prints)}  all")
    return "\n".join(parts)


def _changed(verdict: Verdict) -> str:
    then = ", ".join(f"{name}={value}" for name, value in verdict.params.items())
    how = f"; it was run with the parameters of then: {then}" if then else ""
    return f"{verdict.name}: its file is another one than in the session{how}."


def _difference(verdict: Verdict, verification: Verification) -> str:
    difference = verdict.verified.difference
    assert difference is not None
    rows = [*difference.before, *([difference.cause] if difference.cause else [])]
    sheet = Sheet(
        "The last that it was told",
        ("<market time", "<what"),
        tuple((render_instant(at_ns), _cut(text)) for at_ns, text in rows),
    )
    cause = f"\n  cause: {difference.cause[1]}" if difference.cause else ""
    why = _why(verdict, verification)
    return (
        f"{verdict.name} differs at {render_instant(difference.at_ns)}:\n"
        f"  then:  {_then(difference)}\n  now:   {_now(difference)}{cause}\n{why}\n{render_plain(sheet)}"
    )


def _why(verdict: Verdict, verification: Verification) -> str:
    """What may have made a difference that is no decision of the strategy's code."""
    told = []
    if verdict.outside:
        more = f" and {len(verdict.outside) - OUTSIDE_MAX} more" if len(verdict.outside) > OUTSIDE_MAX else ""
        told.append(
            f"  {verdict.name} cannot be verified as it is: it called {', '.join(verdict.outside[:OUTSIDE_MAX])}{more}."
            " No journal holds what that told it, so the difference may be no other than that. Take time from "
            "ctx.now_ns() or trio, dice from ctx.random, and all else as a parameter."
        )
    elif not verdict.changed:
        told.append(
            f"  Its file is the same. Look for what no journal holds: the order of a set of texts, a module beside it "
            f"that was changed or that strategies share. 'gapless lint {verdict.name}' looks for more."
        )
    if verification.versions:
        told.append(f"  Another version runs here: {'; '.join(verification.versions)}.")
    return "".join(f"{one}\n" for one in told)


def _cut(text: str) -> str:
    return text if len(text) <= WORDS_MAX else f"{text[:WORDS_MAX]} ..."


def _then(difference: Difference) -> str:
    return "nothing: it waited" if difference.recorded is None else describe(difference.recorded)


def _now(difference: Difference) -> str:
    if difference.now is not None:
        return difference.now
    if isinstance(difference.recorded, Took):
        return "it does not take them"
    if isinstance(difference.recorded, Answered):
        return "it is not cancelled"
    return "nothing: it waits"


def to_json(verification: Verification) -> dict[str, Any]:
    """Plain values."""
    prints = {one.strategy: one.fingerprint for one in verification.strategies if one.fingerprint}
    return {
        "session": str(verification.folder),
        "identical": verification.identical,
        "fingerprint": fingerprint(prints),
        "changed": [one.name for one in verification.verdicts if one.changed],
        "versions": list(verification.versions),
        "strategies": [_strategy_json(verdict) for verdict in verification.verdicts],
    }


def _strategy_json(verdict: Verdict) -> dict[str, Any]:
    one = verdict.verified
    return {
        "name": one.strategy,
        "identical": one.identical,
        "finished": one.finished,
        "decisions": one.decisions,
        "calls": one.calls,
        "fingerprint": one.fingerprint,
        "params": dict(verdict.params),
        "outside": list(verdict.outside),
        "difference": None if one.difference is None else _difference_json(one.difference),
    }


def _difference_json(difference: Difference) -> dict[str, Any]:
    recorded = difference.recorded
    return {
        "at": render_instant(difference.at_ns),
        "then": _then(difference),
        "now": _now(difference),
        "call": None
        if not isinstance(recorded, Asked)
        else {"number": recorded.number, "verb": recorded.verb, "words": json.loads(recorded.words)},
        "cause": None if difference.cause is None else _input_json(difference.cause),
        "before": [_input_json(row) for row in difference.before],
    }


def _input_json(row: tuple[int, str]) -> dict[str, Any]:
    return {"at": render_instant(row[0]), "what": row[1]}
