"""Golden files: what a replay decided, kept beside the test, so that a change of it is seen and wanted.

A file is text for people: a head, then one line a decision. It is compared by its decisions and its fingerprint;
the rest of the head says what was played, to explain a difference. Only ``--update-golden`` writes.
"""

import hashlib
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final

from attrs import frozen

from engine.app.replay.options import Replayed
from engine.core.fingerprint import render_decision

FOLDER: Final = "golden"
ENDING: Final = ".txt"
LINES_MAX: Final = 10_000
"""Decisions in a file, about a megabyte; of the rest there is a hash."""
DIFF_LINES: Final = 20
AROUND: Final = 2
"""Decisions that are the same, shown before and after the first ones that are not."""
UPDATE: Final = "--update-golden"


@frozen(kw_only=True)
class Golden:
    """What a golden file holds. ``rest`` is a hash of the decisions that are not in ``lines``, empty if all are."""

    test: str
    fingerprint: str
    strategy: str = ""
    params: str = ""
    tape: str = ""
    lines: tuple[str, ...] = ()
    count: int = 0
    rest: str = ""

    @classmethod
    def of(cls, test: str, replayed: Replayed) -> "Golden":
        """What came of a replay, as the golden value of a test."""
        lines = [
            render_decision(asked) if len(replayed.fingerprints) < 2 else f"{asked.strategy}: {render_decision(asked)}"
            for asked in replayed.decisions
        ]
        return cls(
            test=test,
            fingerprint=replayed.fingerprint,
            strategy=getattr(replayed, "strategy", "") or ", ".join(sorted(replayed.fingerprints)),
            params=getattr(replayed, "params", ""),
            tape=getattr(replayed, "tape", ""),
            lines=tuple(lines[:LINES_MAX]),
            count=len(lines),
            rest=_hash(lines[LINES_MAX:]),
        )

    def render(self) -> str:
        """The text of its file."""
        head = {
            "test": self.test,
            "strategy": self.strategy,
            "params": self.params,
            "tape": self.tape,
            "fingerprint": self.fingerprint,
            "decisions": str(self.count),
            "rest": self.rest,
        }
        shown = [f"# {name}: {value}" for name, value in head.items() if value]
        return "\n".join([*shown, *self.lines]) + "\n"

    @classmethod
    def parse(cls, text: str) -> "Golden":
        """Read a file; what is not understood is empty, and so differs from everything."""
        head: dict[str, str] = {}
        lines: list[str] = []
        for line in text.splitlines():
            match = re.match(r"# (\w+): (.*)$", line)
            if match and not lines:
                head[match[1]] = match[2]
            elif line.strip():
                lines.append(line)
        known = {name: head.get(name, "") for name in ("test", "fingerprint", "strategy", "params", "tape", "rest")}
        count = head.get("decisions", "")
        return cls(**known, lines=tuple(lines), count=int(count) if count.isdecimal() else len(lines))


def name_of(test: str) -> str:
    """The file of a test, by its name: what a file system may not take is ``_``.

    >>> name_of("test_trend[BTC/USD-5]")
    'test_trend[BTC_USD-5].txt'
    """
    plain = re.sub(r"[^\w\-.\[\],=+ ]", "_", test)
    kept = plain if len(plain) <= 120 else f"{plain[:100]}-{hashlib.sha256(test.encode()).hexdigest()[:12]}"
    return kept + ENDING


def compare(path: Path, now: Golden, accept: str) -> str:
    """What is wrong with the golden file of a replay, as text for people; empty if it is the same.

    ``accept``: the command that makes this the golden value.
    """
    if not path.is_file():
        return f"There is no golden file {path} yet. If what was decided ({_decisions(now.count)}) is right: {accept}"
    was = Golden.parse(path.read_text(encoding="utf-8"))
    if was.test and was.test != now.test:
        return f"{path} belongs to {was.test}, and {now.test} would use it too: rename one of the two."
    if (was.fingerprint, was.lines, was.count, was.rest) == (now.fingerprint, now.lines, now.count, now.rest):
        return ""
    changed = [
        f"  {what}: {before} -> {after}"
        for what, before, after in (
            ("strategy", was.strategy, now.strategy),
            ("params", was.params, now.params),
            ("tape", was.tape, now.tape),
            ("fingerprint", was.fingerprint, now.fingerprint),
        )
        if before != after
    ]
    head = f"{now.test} decides differently from {path}: {_decisions(was.count)} then, {now.count} now."
    return "\n".join([head, *changed, *_diff(was.lines, now.lines), f"If this is what you want: {accept}"])


def _diff(was: Sequence[str], now: Sequence[str]) -> list[str]:
    """The first decisions that differ, with some around them."""
    same = next(
        (at for at, (one, two) in enumerate(zip(was, now, strict=False)) if one != two), min(len(was), len(now))
    )
    if same == len(was) == len(now):
        return ["  (the decisions in the file are the same; those behind them differ)"]
    first = max(0, same - AROUND)
    near_was, near_now = was[first : first + DIFF_LINES], now[first : first + DIFF_LINES]
    lines: list[str] = [f"  from decision {same + 1}:"]
    for tag, i, j, k, m in SequenceMatcher(None, near_was, near_now, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [f"    {line}" for line in near_was[i:j]]
        else:
            lines += [f"  - {line}" for line in near_was[i:j]] + [f"  + {line}" for line in near_now[k:m]]
    return lines[:DIFF_LINES]


def _hash(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] if lines else ""


def _decisions(count: int) -> str:
    return f"{count} decision{'s' * (count != 1)}"
