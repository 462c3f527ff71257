"""Processes that die at a named step of an order's way, so that what the next one finds can be looked at.

A process is killed by its own hand, with the signal that nothing can catch, in the very statement that the step names:
so "between the intent on disk and the first byte" is a place that a test can go to. Loading the engine takes a process
a second, so one process loads it and forks: each fork is a process of its own, with its own files, sockets and end.

What is waited for passes ``rate`` times as fast as on the wall: the sockets, the files and the deaths are real, and the
clocks of the engine and of the exchange (`open_live` with ``clock``) run alike.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from attrs import define, frozen

import engine
from engine.ports.steps import Step

END_WITHIN_S: Final = 20.0
"""The longest that a loader waits to be told of its end before it is killed: it has nothing to do but leave."""
TAIL: Final = 4000
"""Characters of a log that say why a process failed."""


@frozen
class Point:
    """The ``nth`` time that a step is passed, counting from 1."""

    step: Step
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.step}#{self.nth}"


@frozen(kw_only=True)
class Task:
    """One process: which of the strategies of `engine.testing.crash.stunts` it runs, and where it dies.

    ``state`` is the folder of the order file, ``out`` the beginning of the names of the files that it leaves.
    ``quiet_s`` is how long an onlooker lets the books rest before it compares them for the last time.
    """

    strategy: str
    urls: Mapping[str, str]
    state: str
    out: str
    play: str = ""
    dies: Point | None = None
    quiet_s: float = 0.0
    rate: float = 1.0


@frozen(kw_only=True)
class Exit:
    """How a process ended: its exit code (a negative one is a signal), every step that it passed, what it logged."""

    code: int
    steps: tuple[Step, ...]
    log: str
    told: bytes
    """What the strategy told of itself, as JSON; empty for one that died before."""


@define(eq=False)
class Forks:
    """A process that has the engine loaded and makes others of itself, one at a time."""

    _loader: "subprocess.Popen[bytes]"

    def run(self, task: Task) -> Exit:
        """Run one process to its end."""
        loader = self._loader
        assert loader.stdin is not None and loader.stdout is not None
        loader.stdin.write(msgspec.json.encode(task) + b"\n")
        loader.stdin.flush()
        line = loader.stdout.readline()
        if not line:
            raise RuntimeError(f"The process that makes processes has ended with {loader.wait(END_WITHIN_S)}.")
        log = _read(f"{task.out}.log").decode(errors="replace")[-TAIL:]
        steps = tuple(Step(name) for name in _read(f"{task.out}.steps").decode().split())
        return Exit(code=int(line), steps=steps, log=log, told=_read(f"{task.out}.json"))


@contextmanager
def open_forks() -> Iterator[Forks]:
    """Load the engine once, and make processes from it while the block runs."""
    place = str(Path(engine.__file__).parent.parent)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (place, os.environ.get("PYTHONPATH"))))}
    with subprocess.Popen(
        [sys.executable, "-m", "engine.testing.crash.forked"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environ,
    ) as loader:
        try:
            yield Forks(loader)
            assert loader.stdin is not None
            loader.stdin.close()
            loader.wait(END_WITHIN_S)
        finally:
            loader.kill()


def _read(path: str) -> bytes:
    place = Path(path)
    return place.read_bytes() if place.exists() else b""
