"""The health port, over real sockets: it answers while the loop stands still, to this machine, and to a few at once."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio

from engine.app.config.health import is_loopback
from engine.app.health.pulse import Pulse, Reading
from engine.app.health.server import CLIENT_WITHIN_S, CLIENTS_MAX, LOOK_EVERY_S, serve_health
from engine.core.health.verdict import Progress, Sign
from engine.errors import Misconfigured

WELL = Progress(at_s=10.0, signs=(Sign(task="feed iex", at_s=9.0, within_s=300.0, doing="connecting"),))
WAITING = Progress(at_s=10.0, missing=("feed iex: is connecting",))
WEDGED = Progress(at_s=1000.0, signs=WELL.signs)


def no_reading() -> Reading:
    """Not asked for while the loop is not served."""
    raise AssertionError("nobody reads here")


@pytest.fixture
def pulse(hands: Any) -> Pulse:
    kept: list[Pulse] = []

    async def build() -> None:
        kept.append(Pulse(read=no_reading, frozen_after_s=2.0, clock_s=hands, progress=WELL))

    trio.run(build)
    return kept[0]


@pytest.fixture
def url(pulse: Pulse) -> Iterator[str]:
    with serve_health(pulse, host="127.0.0.1", port=0) as opened:
        yield opened


def ask(url: str, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """One request."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=5)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body, dict(response.getheaders())


def test_health_is_green_red_while_the_loop_stands_still_and_green_again(pulse: Pulse, url: str, hands: Any) -> None:
    assert ask(url, "/healthz")[:2] == (200, b'{"ok": true, "reasons": []}\n')
    hands.now_s += 5.0
    status, body, _ = ask(url, "/healthz")
    assert status == 503
    assert json.loads(body) == {"ok": False, "reasons": ["loop: it has stood still for 5.0 s (at most 2 s)"]}
    assert ask(url, "/readyz")[0] == 503
    pulse.beat()
    assert ask(url, "/healthz")[0] == 200


def test_a_wedged_task_is_named_and_a_missing_feed_is_no_illness(pulse: Pulse, url: str) -> None:
    pulse.progress = WAITING
    assert ask(url, "/healthz")[0] == 200
    status, body, _ = ask(url, "/readyz")
    assert (status, json.loads(body)["reasons"]) == (503, ["feed iex: is connecting"])
    pulse.progress = WEDGED
    status, body, _ = ask(url, "/healthz")
    assert status == 503
    assert json.loads(body)["reasons"] == ["feed iex: is connecting, and did nothing for 991 s (at most 300 s)"]


def test_metrics_are_there_before_the_first_figures_and_while_the_loop_stands_still(
    pulse: Pulse, url: str, hands: Any
) -> None:
    hands.now_s += 5.0
    status, body, headers = ask(url, "/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=")
    assert b"\ngapless_healthy 0.0\n" in body
    assert b"\ngapless_loop_standing 1.0\n" in body


def test_only_names_of_this_machine_are_answered(url: str) -> None:
    port = urlsplit(url).port
    assert ask(url, "/healthz", Host="rebound.example")[0] == 421
    assert ask(url, "/metrics", Host=f"rebound.example:{port}")[0] == 421
    for host in ("localhost", f"LOCALHOST:{port}", "127.0.0.1", f"127.0.0.1:{port}", f"[::1]:{port}"):
        assert ask(url, "/healthz", Host=host)[0] == 200, host


def test_nothing_else_is_served_and_nothing_can_be_changed(url: str) -> None:
    status, body, headers = ask(url, "/")
    assert (status, headers["Cache-Control"]) == (404, "no-store")
    assert b"/healthz" in body
    assert ask(url, "/healthz", "POST")[0] == 501
    assert ask(url, "/healthz", "HEAD")[:2] == (200, b"")
    assert ask(url, "/healthz?full=1")[0] == 200


def test_more_clients_than_are_served_at_once_are_turned_away_and_slow_ones_are_cut(url: str, hands: Any) -> None:
    address = ("127.0.0.1", urlsplit(url).port)
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(address, timeout=5)) for _ in range(CLIENTS_MAX)]
        for one in slow:
            one.sendall(b"GET /healthz HTTP/1.0\r\n")
        with pytest.raises(OSError):
            ask(url, "/healthz")
        hands.now_s += CLIENT_WITHIN_S + 1
        for one in slow:
            assert one.recv(100) == b"", "it is closed from the other side"
    for _ in range(50):
        try:
            assert ask(url, "/healthz")[0] == 503
            return
        except OSError:
            time.sleep(LOOK_EVERY_S / 5)
    pytest.fail("the port does not answer any more")


def test_a_port_that_is_taken_is_a_sentence(pulse: Pulse, url: str) -> None:
    taken = serve_health(pulse, host="127.0.0.1", port=urlsplit(url).port or 0)
    with pytest.raises(Misconfigured, match=r"port \d+ of 127\.0\.0\.1 cannot be opened .*--health-port"), taken:
        pass


def test_after_the_end_nobody_listens(pulse: Pulse) -> None:
    with serve_health(pulse, host="127.0.0.1", port=0) as url:
        assert ask(url, "/healthz")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        ask(url, "/healthz")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("127.8.9.1", True), ("0.0.0.0", False), ("::", False),
     ("10.0.0.1", False), ("localhost.example", False), ("", False)],
)  # fmt: skip
def test_what_counts_as_this_machine_only(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback
