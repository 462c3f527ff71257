"""The health port: ``/healthz``, ``/readyz`` and ``/metrics``, served by threads that are not on the loop.

A server on the loop could not say that the loop stands still. So this one has a socket and threads of its own, looks
only at what the loop left behind, and what is too old is red.

It asks nobody for a login. On a loopback address it answers only to names of this machine, so that no page in a browser
can read it by way of a name that it has pointed here.
"""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from attrs import frozen

from engine.app.config.health import is_loopback
from engine.app.health.metrics import render_metrics
from engine.app.health.pulse import Pulse
from engine.core.health.verdict import Verdict
from engine.errors import Misconfigured

CLIENTS_MAX: Final = 8
"""At once: a scraper, a container's check, a person; the next one finds its connection closed."""
CLIENT_WITHIN_S: Final = 10.0
"""For one request from its first byte to its last: whoever sends a letter a second does not keep a thread busy."""
SILENCE_S: Final = 5.0
"""How long a client may send or take nothing."""
LOOK_EVERY_S: Final = 0.25
"""How often the server looks whether it is to end, and who has been here for too long."""
BACKLOG: Final = 16
PATHS: Final = ("/healthz", "/readyz", "/metrics")
_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"


@frozen
class Answer:
    """What is sent back."""

    status: HTTPStatus
    content_type: str
    body: bytes


def answer(pulse: Pulse, path: str, accept: str = "") -> Answer:
    """What a path says now. Blocks for a second at most, while the loop reads its figures."""
    path = path.partition("?")[0]
    if path == "/healthz":
        return _say(pulse.vitals().health)
    if path == "/readyz":
        return _say(pulse.vitals().ready)
    if path == "/metrics":
        reading = pulse.ask()
        content_type, body = render_metrics(pulse.vitals(), reading, accept)
        return Answer(HTTPStatus.OK, content_type, body)
    return Answer(HTTPStatus.NOT_FOUND, _TEXT, f"There is nothing here but {', '.join(PATHS)}.\n".encode())


def _say(verdict: Verdict) -> Answer:
    status = HTTPStatus.OK if verdict.ok else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, _JSON, json.dumps({"ok": verdict.ok, "reasons": verdict.reasons}).encode() + b"\n")


@contextmanager
def serve_health(pulse: Pulse, *, host: str, port: int) -> Iterator[str]:
    """Serve in threads for as long as the block; gives the address. Raises `Misconfigured` where it cannot listen."""
    try:
        server = _HealthServer(host, port, pulse)
    except OSError as error:
        raise Misconfigured(
            f"The health port {port} of {host} cannot be opened ({error.strerror or error}): another engine may "
            "have it, or the host is none of this machine. Choose another port with --health-port or health.port; 0 "
            "takes a free one."
        ) from None
    thread = threading.Thread(target=server.serve_forever, args=(LOOK_EVERY_S,), name="gapless health", daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=1.0)


class _HealthServer(ThreadingHTTPServer):
    """Bounded in how many it serves, and how long each."""

    daemon_threads = True
    block_on_close = False  # a client that hangs is not waited for at the end
    request_queue_size = BACKLOG

    def __init__(self, host: str, port: int, pulse: Pulse) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.pulse = pulse
        self.local = is_loopback(host)
        self._since_s: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        super().__init__((host, port), _Exchange)

    @property
    def url(self) -> str:
        """Where it is."""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}" if self.address_family == socket.AF_INET6 else f"http://{host!s}:{port}"

    def server_bind(self) -> None:
        """As a TCP server does; that of HTTP also looks up its own name, which may take a resolver's time."""
        self.allow_reuse_address = True
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for it, if there is one left."""
        with self._lock:
            crowded = len(self._since_s) >= CLIENTS_MAX
            if not crowded:
                self._since_s[request] = self.pulse.clock_s()
        if crowded:
            super().shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """It has its answer."""
        with self._lock:
            self._since_s.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Cut those that take too long; their threads see the end of the connection."""
        now_s = self.pulse.clock_s()
        with self._lock:
            late = [request for request, since_s in self._since_s.items() if now_s - since_s > CLIENT_WITHIN_S]
        for request in late:
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or spoke nonsense: nobody has to know."""


class _Exchange(BaseHTTPRequestHandler):
    """One request and its answer."""

    server: _HealthServer
    server_version = "gapless"
    sys_version = ""
    timeout = SILENCE_S
    protocol_version = "HTTP/1.0"  # one request a connection

    def do_GET(self) -> None:
        """Answer, with the body."""
        self._respond(self._answer(), with_body=True)

    def do_HEAD(self) -> None:
        """Answer, without it."""
        self._respond(self._answer(), with_body=False)

    def _answer(self) -> Answer:
        if self.server.local and not _names_this_machine(self.headers.get("Host", "localhost")):
            text = "This port answers to names of this machine only: ask for 127.0.0.1 or localhost.\n"
            return Answer(HTTPStatus.MISDIRECTED_REQUEST, _TEXT, text.encode())
        return answer(self.server.pulse, self.path, self.headers.get("Accept", ""))

    def _respond(self, told: Answer, *, with_body: bool) -> None:
        self.send_response(told.status)
        self.send_header("Content-Type", told.content_type)
        self.send_header("Content-Length", str(len(told.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if with_body:
            self.wfile.write(told.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives it
        """A scrape each fifteen seconds is no news."""


def _names_this_machine(host: str) -> bool:
    """Whether a ``Host`` header, with or without a port, is a loopback address or ``localhost``."""
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name.lower())
