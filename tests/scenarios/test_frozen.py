"""A strategy that blocks the loop of a real process is named with its line while it does; health turns red meanwhile,
and systemd's watchdog hears nothing. Nobody else is blamed."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path

import pytest
from attrs import define, field

BLOCK_S = 4.0
FROZEN_AFTER_S = 1.0
WATCHDOG_S = 2.0
START_MAX_S = 60.0
"""A machine that runs all tests at once takes its time to start a process."""
PLUGS = f'''
"""A strategy that blocks when a file tells it to, and one that has nothing to do with it."""
import time
from pathlib import Path
from engine import strategy

def crunch():
    time.sleep({BLOCK_S})

@strategy()
async def blocking(ctx):
    async with ctx.trades("BTC/USD") as trades:
        async for _ in trades:
            if Path("go").exists():
                Path("go").unlink()
                crunch()

@strategy()
async def innocent(ctx):
    async with ctx.trades("BTC/USD") as trades:
        async for _ in trades:
            pass
'''


@define
class Supervisor:
    """Hears what systemd would hear, and when."""

    listener: socket.socket
    heard: list[tuple[float, str]] = field(factory=list)

    def listen(self) -> None:
        """Until the socket is shut down."""
        while message := self.listener.recv(4096):
            self.heard.append((time.monotonic(), message.decode()))

    def times(self, message: str) -> list[float]:
        """When this was heard."""
        return [at_s for at_s, told in list(self.heard) if told == message]


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0gapless-frozen-{os.getpid()}")
        opened = Supervisor(listener)
        thread = threading.Thread(target=opened.listen, daemon=True)
        thread.start()
        yield opened
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def wait_for(what: Callable[[], object], within_s: float = START_MAX_S) -> float:
    """Until this is so; returns how long that took."""
    began_s = time.monotonic()
    while not what():
        assert time.monotonic() - began_s < within_s, "it did not come to that"
        time.sleep(0.02)
    return time.monotonic() - began_s


def fetch(port: int, path: str) -> tuple[int, str]:
    """What the health port says."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


@pytest.mark.slow
def test_a_strategy_that_blocks_is_named_health_turns_red_and_the_watchdog_hears_nothing(
    tmp_path: Path, root: Path, supervisor: Supervisor
) -> None:
    (tmp_path / "plugs.py").write_text(PLUGS)
    errors = tmp_path / "stderr"
    line = next(number for number, text in enumerate(PLUGS.splitlines(), 1) if "time.sleep(" in text)
    start = "import sys; from engine.app.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "run", "./plugs.py:blocking", "./plugs.py:innocent"]
    environ = os.environ | {
        "PYTHONPATH": str(root),
        "NOTIFY_SOCKET": "@" + supervisor.listener.getsockname().decode()[1:],
        "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6)),
        "GAPLESS_HEALTH__FROZEN_AFTER_S": str(FROZEN_AFTER_S),
    }
    environ.pop("WATCHDOG_PID", None)
    with errors.open("w") as stderr, subprocess.Popen(
        [*command, "--symbols", "BTC/USD", "--health-port", "0"],
        cwd=tmp_path, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
    ) as process:  # fmt: skip
        try:
            wait_for(lambda: "Health is at" in errors.read_text())
            address = re.search(r"Health is at http://127\.0\.0\.1:(\d+)/", errors.read_text())
            assert address is not None
            port = int(address[1])
            wait_for(lambda: fetch(port, "/readyz")[0] == 200)
            assert fetch(port, "/healthz")[0] == 200
            assert "strategy blocking" not in errors.read_text()

            (tmp_path / "go").touch()
            wait_for(lambda: not (tmp_path / "go").exists())
            blocked_s = time.monotonic()
            wait_for(lambda: fetch(port, "/healthz")[0] == 503, within_s=BLOCK_S - 0.5)
            status, told = fetch(port, "/healthz")
            assert (status, "loop: it has stood still for" in told) == (503, True)
            assert "\ngapless_loop_standing 1.0\n" in fetch(port, "/metrics")[1]
            wait_for(lambda: "strategy blocking" in errors.read_text(), within_s=BLOCK_S - 1.0)
            assert time.monotonic() - blocked_s < BLOCK_S, "and all of that while it was blocked"
            (sentence,) = (text for text in errors.read_text().splitlines() if "strategy blocking" in text)
            assert f"strategy blocking blocks it at {tmp_path / 'plugs.py'}:{line} (time.sleep(" in sentence
            assert "trio.to_thread.run_sync" in sentence

            wait_for(lambda: fetch(port, "/healthz")[0] == 200)
            wait_for(lambda: "The loop stood still for" in errors.read_text())
            wait_for(lambda: supervisor.times("WATCHDOG=1")[-1] > blocked_s + BLOCK_S)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 143
        finally:
            process.kill()

    signs = supervisor.times("WATCHDOG=1")
    pauses = [after - before for before, after in pairwise(signs)]
    assert max(pauses) > WATCHDOG_S + 0.5, "systemd restarts whoever says nothing for WATCHDOG_S"
    before = [pause for at_s, pause in zip(signs, pauses, strict=False) if at_s < blocked_s - WATCHDOG_S]
    assert all(pause < WATCHDOG_S for pause in before)
    assert len(supervisor.times("READY=1")) == 1
    assert "STATUS=ready" in [told for _, told in supervisor.heard]
    assert len(supervisor.times("STOPPING=1")) == 1
    assert "strategy innocent" not in errors.read_text()
