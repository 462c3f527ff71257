"""``gapless top`` as a person runs it: at a terminal, in a pipe, and when there is nothing to look at."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from attrs import define, evolve, field

from engine.app.beside.overview import Overview
from engine.app.top.place import find_sockets
from engine.app.top.serve import serve_overviews

GAPLESS = [sys.executable, "-c", "from engine.app.cli import main; main()", "top"]
WITHIN_S = 30.0
"""A loaded machine takes seconds to start a Python."""


@define
class ServedInThread:
    """An engine that is looked at from other processes, in real time."""

    folder: Path
    overview: Overview
    _stop: Callable[[], None] = field(default=lambda: None)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        ready = threading.Event()

        async def serve() -> None:
            with trio.CancelScope() as scope:
                token = trio.lowlevel.current_trio_token()
                self._stop = lambda: token.run_sync_soon(scope.cancel)
                ready.set()
                await serve_overviews(lambda: self.overview, self.folder)

        self._thread = threading.Thread(target=trio.run, args=(serve,), daemon=True)
        self._thread.start()
        assert ready.wait(WITHIN_S)
        until(lambda: bool(find_sockets(self.folder)))

    def stop(self) -> None:
        if self._thread is not None:
            self._stop()
            self._thread.join(WITHIN_S)
            self._thread = None


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread or process does."""
    end_s = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        select.select([], [], [], 0.01)


@pytest.fixture
def engine(tmp_path: Path, here: Overview) -> Iterator[ServedInThread]:
    served = ServedInThread(tmp_path / "gapless", here)
    served.start()
    yield served
    served.stop()


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "XDG_RUNTIME_DIR": str(folder.parent),
        "TERM": "xterm-256color",
        "PYTHONPATH": str(Path.cwd()),
    }


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*GAPLESS, *words],
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def test_one_moment_as_json_and_as_text(engine: ServedInThread) -> None:
    told = run(engine.folder, "--once", "--json")
    assert (told.returncode, told.stderr) == (0, "")
    assert json.loads(told.stdout) == json.loads(json.dumps(engine.overview.to_json()))
    text = run(engine.folder, str(os.getpid()), "--once")
    assert (text.returncode, text.stderr) == (0, "")
    assert "feed iex" in text.stdout
    assert "\x1b" not in text.stdout


def test_nothing_to_look_at_is_a_sentence_and_an_exit_code(tmp_path: Path) -> None:
    told = run(tmp_path / "gapless", "--once")
    assert (told.returncode, told.stdout) == (4, "")
    assert told.stderr == (
        "gapless: No engine of this user runs here: start one with 'gapless run', or look as its user.\n"
    )


@define
class Terminal:
    """A terminal with ``gapless top`` in it."""

    process: "subprocess.Popen[bytes]"
    descriptor: int
    shown: bytes = b""

    def read(self) -> None:
        """Take what was drawn."""
        while select.select([self.descriptor], [], [], 0)[0]:
            try:
                self.shown += os.read(self.descriptor, 65_536)
            except OSError:  # the other end is closed
                return

    def wait_for(self, text: str) -> None:
        """Until this was drawn."""

        def drawn() -> bool:
            self.read()
            return text.encode() in self.shown

        until(drawn)

    def resize(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def ended(self) -> int:
        """The exit code, once it has ended."""

        def over() -> bool:
            self.read()
            return self.process.poll() is not None

        until(over)
        self.read()
        assert self.process.returncode is not None
        return self.process.returncode


@contextmanager
def terminal(folder: Path) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        GAPLESS, env=environment(folder), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    opened = Terminal(process, ours)
    opened.resize(40, 150)
    os.close(theirs)
    try:
        yield opened
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_at_a_terminal_it_is_live_follows_its_size_and_leaves_by_q(engine: ServedInThread) -> None:
    with terminal(engine.folder) as top:
        top.wait_for("feed iex")
        assert b"\x1b[?1049h" in top.shown  # a screen of its own
        engine.overview = evolve(engine.overview, session="another_word")
        top.wait_for("another_word")
        top.resize(12, 60)
        top.shown = b""
        top.wait_for("another_word")
        os.write(top.descriptor, b"q")
        assert top.ended() == 0
        assert b"\x1b[?1049l" in top.shown  # and the old one is back
        assert "Traceback" not in top.shown.decode()


def test_ctrl_c_leaves_and_the_screen_is_put_back(engine: ServedInThread) -> None:
    with terminal(engine.folder) as top:
        top.wait_for("feed iex")
        os.kill(top.process.pid, signal.SIGINT)
        assert top.ended() == 0
        assert b"\x1b[?1049l" in top.shown


def test_an_engine_that_ends_ends_the_view_with_a_sentence(engine: ServedInThread) -> None:
    with terminal(engine.folder) as top:
        top.wait_for("feed iex")
        engine.stop()
        assert top.ended() == 4
        told = top.shown.decode().partition("\x1b[?1049l")[2]
        assert f"The engine (pid {os.getpid()}) has ended." in told
