"""What ends a command badly, told to a person: one sentence and an exit code, and the traceback in a file.

A session is many tasks, so what comes out of it may be a group of errors. If all of them are ours, the one that asks
most of a person is the one to tell; a single bug among them makes it a bug.
"""

import os
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.app.logs import Redactor
from engine.errors import AskHuman, GaplessError

INTERRUPTED: Final = 130
"""The shell's code for Ctrl-C: 128 + SIGINT."""
TERMINATED: Final = 143
"""128 + SIGTERM."""
BUG: Final = 1


def known_cause(error: BaseException) -> GaplessError | None:
    """The error of ours to tell, or ``None`` if anything else is among them."""
    leaves = list(_leaves(error))
    ours = [leaf for leaf in leaves if isinstance(leaf, GaplessError)]
    if not ours or len(ours) != len(leaves):
        return None
    return next((leaf for leaf in ours if isinstance(leaf, AskHuman)), ours[0])


def interrupted(error: BaseException) -> bool:
    """Whether this is Ctrl-C, alone or with what it interrupted."""
    return any(isinstance(leaf, KeyboardInterrupt) for leaf in _leaves(error))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def keep_traceback(error: BaseException, redact: Redactor) -> Path | None:
    """Write the traceback, without secrets, to a new private file; ``None`` when the disk will not have it."""
    text = redact("".join(traceback.format_exception(error)))
    try:
        descriptor, name = tempfile.mkstemp(prefix="gapless-bug-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return None
    return Path(name)


def bug_sentence(error: BaseException, kept: Path | None, redact: Redactor) -> str:
    """What a person is told about a bug; cut to a length only once it holds no secret, since half of one is one too."""
    first = next(_leaves(error))
    reason = redact(" ".join(str(first).split()))[:200] or "no message"
    where = f"the traceback is in {kept}" if kept else "run it again with --debug to see the traceback"
    return f"This is a bug in gapless or in a strategy: {type(first).__name__}: {reason}; {where}."
