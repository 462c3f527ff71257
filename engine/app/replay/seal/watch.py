"""The seal of one replay: who is running, what was refused, and the one hook by which the interpreter tells of I/O.

Python tells audit hooks of every file, socket, process and thread, whatever way leads there. A hook can never be taken
away again, so there is one for the process, which asks first whether the thread it is in runs a sealed replay.
"""

import sys
from contextvars import ContextVar
from threading import get_ident
from types import FrameType
from typing import Any, Final

from attrs import define, field, frozen

from engine.app.replay.seal.callers import Call, Callers
from engine.errors import NotInReplay

TOLD_MAX: Final = 100
"""Different refusals that are kept: each is a line of somebody's code."""


@frozen
class Runner:
    """The strategy that a task belongs to; ``files``: it may open files."""

    name: str
    files: bool = False


RUNNING: Final[ContextVar[Runner | None]] = ContextVar("running strategy", default=None)
"""Set around each strategy; tasks that it starts inherit it."""

TIME: Final = "in a replay time is the market's: use ctx.now_ns(), ctx.at() or trio.sleep()."
DICE: Final = "in a replay every roll has to come out the same again: use ctx.random."
THREADS: Final = "in a replay nothing may run beside the scheduler: do it in a task of the strategy's own."
PROCESSES: Final = "a replay starts no processes: what one is to tell belongs on a tape or into a parameter."
NETWORK: Final = "a replay has no network: what comes from elsewhere belongs on a tape or into a parameter."
FILES: Final = (
    "a replay opens no files, which may hold something else next time: give it as a parameter, or say "
    "@strategy(files=True) where nothing is decided by them."
)
TERMINAL: Final = "a replay asks nobody: give it as a parameter."

_EVENTS: Final = {
    **dict.fromkeys(("_thread.start_new_thread", "_thread.start_joinable_thread"), THREADS),
    **dict.fromkeys(
        ("subprocess.Popen", "os.fork", "os.forkpty", "os.system", "os.exec", "os.spawn", "os.posix_spawn"), PROCESSES
    ),
    **dict.fromkeys(
        ("socket.__new__", "socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo",
         "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"),
        NETWORK,
    ),
    **dict.fromkeys(
        ("open", "os.listdir", "os.scandir", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate",
         "sqlite3.connect"),
        FILES,
    ),
    "builtins.input": TERMINAL,
}  # fmt: skip
"""What the interpreter tells, and what to do instead."""
_WORDS: Final = {
    "_thread.start_new_thread": "threading.Thread.start",
    "_thread.start_joinable_thread": "threading.Thread.start",
    "socket.__new__": "socket.socket",
    "builtins.input": "input",
}
"""What people call it where the interpreter calls it otherwise."""


@define(eq=False)
class Seal:
    """One sealed replay in one thread. ``refused`` holds each sentence once, in order.

    ``tolerated`` are pieces of advice (`TIME`, ...) for what is only noted; ``outside`` says where each call that was
    refused or noted came from.
    """

    callers: Callers
    tolerated: frozenset[str] = frozenset()
    refused: list[str] = field(factory=list)
    outside: list[str] = field(factory=list)

    def check(self, what: str, instead: str, frame: FrameType | None) -> None:
        """Raise `NotInReplay` if a strategy's own code is behind ``frame``; it called ``what``."""
        call = self.callers.find(frame)
        runner = RUNNING.get()
        if call is None or runner is None or (instead is FILES and runner.files):
            return
        where = f"{call.through or what}() at {call.path}:{call.line}"
        if where not in self.outside and len(self.outside) < TOLD_MAX:
            self.outside.append(where)
        if instead in self.tolerated:
            return
        sentence = _render(runner, call, what, instead)
        if sentence not in self.refused and len(self.refused) < TOLD_MAX:
            self.refused.append(sentence)
        raise NotInReplay(sentence)


def _render(runner: Runner, call: Call, what: str, instead: str) -> str:
    return f"strategy {runner.name} called {call.through or what}() at {call.path}:{call.line}: {instead}"


_SEALS: Final[dict[int, Seal]] = {}
"""By thread: a test may replay in a worker thread beside its own loop, which is not sealed."""
_HOOKED: Final[list[bool]] = []


def seal_here() -> Seal | None:
    """The seal of this thread, while there is one."""
    return _SEALS.get(get_ident())


def put_on(seal: Seal) -> None:
    """Seal this thread; from the first time on the process has the hook."""
    if not _HOOKED:
        _HOOKED.append(True)
        sys.addaudithook(_on_event)
    _SEALS[get_ident()] = seal


def take_off() -> None:
    """This thread is free again."""
    _SEALS.pop(get_ident(), None)


def _on_event(event: str, args: tuple[Any, ...]) -> None:
    if not _SEALS or event not in _EVENTS:
        return
    seal = _SEALS.get(get_ident())
    if seal is not None and RUNNING.get() is not None:
        seal.check(_word(event, args), _EVENTS[event], sys._getframe(1))  # noqa: SLF001 - the only way to the caller


def _word(event: str, args: tuple[Any, ...]) -> str:
    del args
    return _WORDS.get(event, event)
