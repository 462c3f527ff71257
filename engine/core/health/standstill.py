"""Who holds up the loop: from the stack of the thread that it runs on to one sentence with a name and a line.

Everything here runs on one loop, so a strategy that computes for ten seconds, or sleeps with ``time.sleep``, stops the
market data, the orders and every other strategy. Which one it was is worth saying while it lasts.
"""

from collections.abc import Sequence
from typing import Final

from attrs import frozen

CODE_CHARS_MAX: Final = 80
"""Of the line of code that is shown: enough to see the call."""
WAY_OUT: Final = "Use trio.sleep to wait, and trio.to_thread.run_sync for what takes long"
"""What to do about it."""


@frozen
class Frame:
    """One call on a stack. ``code`` is the text of the line, empty where it cannot be read."""

    file: str
    line: int
    function: str
    code: str = ""

    @property
    def place(self) -> str:
        """Where it is, as editors and terminals understand it."""
        return f"{self.file}:{self.line}"

    @property
    def words(self) -> str:
        """Where it is and what is done there."""
        text = self.code.strip()
        short = text if len(text) <= CODE_CHARS_MAX else text[: CODE_CHARS_MAX - 3] + "..."
        return f"{self.place} ({short})" if short else f"{self.place} (in {self.function})"


@frozen(kw_only=True)
class Suspect:
    """A strategy that is running. ``file`` is its module's, ``folder`` that of the package which it is in."""

    strategy: str
    file: str
    folder: str = ""


@frozen(kw_only=True)
class Stack:
    """What the loop's thread was at. ``frames``: the innermost first. ``task``: Trio's name of the task that ran.

    ``strategy``: whose task it is by the tree of tasks, empty where it is nobody's or the tree could not be read.
    ``libraries``: folders of code that is not the user's.
    """

    frames: tuple[Frame, ...]
    task: str = ""
    strategy: str = ""
    libraries: tuple[str, ...] = ()


@frozen(kw_only=True)
class Blame:
    """Who holds up the loop. ``strategy`` is empty where it is none; ``at`` is ``None`` where nothing can be said."""

    strategy: str = ""
    task: str = ""
    at: Frame | None = None
    inside: Frame | None = None
    """The innermost call, where that is further in than ``at``."""

    @property
    def who(self) -> str:
        """The strategy, the task, or nobody."""
        if self.strategy:
            return f"strategy {self.strategy}"
        return f"task {self.task}" if self.task else "something outside of every task"


def find_blame(stack: Stack, suspects: Sequence[Suspect]) -> Blame:
    """Who it is and where: the innermost line of that strategy's own module, else of its package, else of user code.

    The tree of tasks says whose task runs; where it does not, the innermost frame in a strategy's module does.
    """
    if not stack.frames:
        return Blame()
    known = [suspect for suspect in suspects if suspect.strategy == stack.strategy] or list(suspects)
    at, strategy = _innermost(stack, known)
    strategy = stack.strategy or strategy
    at = at or next((frame for frame in stack.frames if strategy and not _is_library(frame, stack)), None)
    at = at or stack.frames[0]
    inside = stack.frames[0] if stack.frames[0] is not at else None
    return Blame(strategy=strategy, task=stack.task, at=at, inside=inside)


def _innermost(stack: Stack, suspects: Sequence[Suspect]) -> tuple[Frame | None, str]:
    for frame in stack.frames:
        for suspect in suspects:
            if frame.file == suspect.file:
                return frame, suspect.strategy
    for frame in stack.frames:
        for suspect in suspects:
            if suspect.folder and frame.file.startswith(suspect.folder):
                return frame, suspect.strategy
    return None, ""


def _is_library(frame: Frame, stack: Stack) -> bool:
    return frame.file.startswith(("<", *stack.libraries))


def describe_standing(blame: Blame, stood_s: float) -> str:
    """The sentence while the loop stands still."""
    place = "" if blame.at is None else f" at {blame.at.words}"
    inside = "" if blame.inside is None else f", in {blame.inside.words}"
    return (
        f"The loop has stood still for {stood_s:.1f} s: {blame.who} blocks it{place}{inside}. "
        f"Nothing is heard or sent meanwhile. {_advice(blame)}"
    )


def describe_stood(blame: Blame, stood_s: float) -> tuple[str, str]:
    """Title and text once it goes on again."""
    if blame.at is None:
        title = f"The loop stood still for {stood_s:.1f} s, and nobody saw by what"
        return title, (
            "It was over when it was looked at, or the whole process was stopped or swapped out, or native code kept "
            "the interpreter to itself. Orders and market data waited as long; look at the machine's load and memory."
        )
    title = f"The loop stood still for {stood_s:.1f} s: {blame.who} blocked it"
    return title, f"At {blame.at.words}. Orders and market data waited as long. {_advice(blame)}"


def _advice(blame: Blame) -> str:
    if blame.strategy:
        return f"{WAY_OUT}."
    return "This is no strategy's code: please report it with this sentence."
