"""systemd is told what it understands, over real sockets, and nobody is waited for."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.app.health.notify import STATUS_CHARS_MAX, Notifier


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(str(tmp_path / "notify"))
        opened.settimeout(5)
        yield opened


@pytest.fixture
def notifier(listener: socket.socket) -> Iterator[Notifier]:
    environ = {"NOTIFY_SOCKET": listener.getsockname(), "WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}
    opened = Notifier.of(environ)
    yield opened
    opened.close()


def heard(listener: socket.socket) -> list[str]:
    """All datagrams that are there."""
    told: list[str] = []
    listener.setblocking(False)
    while True:
        try:
            told.append(listener.recv(4096).decode())
        except BlockingIOError:
            return told


def test_a_session_is_ready_says_how_it_is_and_stops(notifier: Notifier, listener: socket.socket) -> None:
    notifier.ready()
    notifier.status("not ready: feed iex: is connecting")
    notifier.status("not ready: feed iex: is connecting")
    notifier.status("ready")
    notifier.stopping()
    assert heard(listener) == [
        "READY=1",
        "STATUS=not ready: feed iex: is connecting",
        "STATUS=ready",
        "STOPPING=1",
    ]


def test_a_sign_of_life_comes_at_half_of_the_time(notifier: Notifier, listener: socket.socket) -> None:
    for tenths in range(0, 120, 2):
        notifier.alive(1000.0 + tenths / 10)
    assert heard(listener) == ["WATCHDOG=1"] * 3, "at 0, 5 and 10 s of 12"


def test_an_abstract_socket_is_reached(tmp_path: Path) -> None:
    name = f"gapless-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}")
        notifier = Notifier.of({"NOTIFY_SOCKET": f"@{name}"})
        notifier.ready()
        assert heard(listener) == ["READY=1"]
        notifier.close()


def test_a_status_is_one_short_line_and_cannot_say_anything_else(notifier: Notifier, listener: socket.socket) -> None:
    notifier.status("all\nWATCHDOG=1\n" + "x" * 1000)
    (told,) = heard(listener)
    assert told.startswith("STATUS=all WATCHDOG=1 xxx")
    assert "\n" not in told
    assert len(told) == len("STATUS=") + STATUS_CHARS_MAX


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "1000000"},
        {"NOTIFY_SOCKET": "vsock:2:9999"},
        {"NOTIFY_SOCKET": "relative"},
        {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "1000000"},
    ],
)
def test_where_nobody_listens_nothing_happens(environ: dict[str, str]) -> None:
    notifier = Notifier.of(environ)
    notifier.ready()
    notifier.alive(1.0)
    notifier.stopping()
    notifier.close()


def test_a_listener_that_reads_nothing_is_not_waited_for(notifier: Notifier) -> None:
    for number in range(10_000):  # more than any buffer holds
        notifier.status(str(number))


@pytest.mark.parametrize(
    ("usec", "pid", "within_s"),
    [("10000000", "", 10.0), ("10000000", "77", 10.0), ("10000000", "78", None), ("0", "", None), ("soon", "", None)],
)
def test_a_watchdog_is_ours_where_systemd_says_so(usec: str, pid: str, within_s: float | None) -> None:
    environ = {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": usec, "WATCHDOG_PID": pid}
    assert Notifier.of(environ, pid=77).watchdog_s == within_s
