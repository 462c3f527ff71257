"""The engine's end of ``gapless top``: lines of JSON over a local socket, to a few clients of the same user.

A client asks with one line, ``{"want": "once"}`` or ``{"want": "stream", "every_s": 0.25}``, and is told one overview a
line. Nobody is waited for: a client that does not read is dropped, and all clients of a moment share one encoding.
"""

import os
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec
import trio
from attrs import asdict, define, evolve, frozen

from engine.app.beside.engine import Engine
from engine.app.beside.overview import Overview
from engine.app.beside.reading import read_overview
from engine.app.top.place import bind_socket, runtime_folder

CLIENTS_MAX: Final = 8
"""More terminals than a person looks at; each costs an overview's bytes four times a second."""
EVERY_MIN_S: Final = 0.25
"""Nobody sees more than four changes a second, and each overview costs the loop a millisecond or more."""
REQUEST_S: Final = 2.0
"""How long a client may take to say what it wants."""
REQUEST_BYTES_MAX: Final = 4096
WRITE_S: Final = 2.0
"""How long an overview may take into a client's socket: it is this machine's memory, and takes microseconds."""
_CREDENTIALS: Final = struct.Struct("3i")
"""What ``SO_PEERCRED`` gives: pid, uid, gid."""


@frozen
class Request:
    """What a client wants."""

    want: Literal["once", "stream"] = "once"
    every_s: float = EVERY_MIN_S


async def serve_top(engine: Engine, environ: Mapping[str, str] = os.environ) -> None:
    """Let ``gapless top`` attach to this engine until cancelled. Raises `Misconfigured` where there is no place."""
    await serve_overviews(lambda: read_overview(engine), runtime_folder(environ))


async def serve_overviews(read: Callable[[], Overview], folder: Path, *, uid: int | None = None) -> None:
    """Serve what ``read`` gives to this user (or to ``uid``) on a socket in this folder, until cancelled. Raises
    `Misconfigured`."""
    with bind_socket(folder, os.getpid()) as listener:
        accepting = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
        await trio.serve_listeners(_Counter(read, os.getuid() if uid is None else uid).serve, [accepting])


def encode_overview(overview: Overview) -> bytes:
    """The same as ``to_json``, straight to bytes: that is a tenth of the time."""
    report = overview.report
    shallow = asdict(evolve(report, streams=report.sorted_streams), recurse=False)
    whole = {**asdict(overview, recurse=False), "report": {**shallow, "conservation": report.conservation}}
    return msgspec.json.encode(whole)


@define(eq=False)
class _Counter:
    """Serves the clients of one engine."""

    _read: Callable[[], Overview]
    _uid: int
    _clients: int = 0
    _line: bytes = b""
    _read_s: float = float("-inf")

    async def serve(self, stream: trio.SocketStream) -> None:
        """One client, until it leaves, does not read, or has what it wanted."""
        self._clients += 1
        try:
            async with stream:
                await self._answer(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await trio.lowlevel.checkpoint()  # it left
        finally:
            self._clients -= 1

    async def _answer(self, stream: trio.SocketStream) -> None:
        refusal = self._refusal(stream)
        request = Request() if refusal else await _read_request(stream)
        if refusal or request is None:
            said = refusal or 'Ask with one line, such as {"want": "once"}.'
            await _send(stream, msgspec.json.encode({"error": said}) + b"\n")
            return
        every_s = max(EVERY_MIN_S, request.every_s)
        taken = await _send(stream, self._overview())
        while taken and request.want == "stream":
            await trio.sleep(every_s)
            taken = await _send(stream, self._overview())

    def _refusal(self, stream: trio.SocketStream) -> str:
        """Why this client is not served, empty if it is."""
        uid = peer_uid(stream.socket)
        if uid is not None and uid != self._uid:
            return "This engine belongs to another user."
        if self._clients > CLIENTS_MAX:
            return f"{CLIENTS_MAX} clients look at this engine already: leave one of them."
        return ""

    def _overview(self) -> bytes:
        """The overview of this moment, which all who ask within it share."""
        now_s = trio.current_time()
        if now_s - self._read_s >= EVERY_MIN_S / 2:
            self._line, self._read_s = encode_overview(self._read()) + b"\n", now_s
        return self._line


def peer_uid(line: trio.socket.SocketType) -> int | None:
    """The user at the other end; ``None`` where this system does not tell, and rights of files have to do."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    told = line.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(told)[1]
    return uid


async def _read_request(stream: trio.SocketStream) -> Request | None:
    """The client's one line; ``None`` where it says nothing in time, or nonsense."""
    said = b""
    with trio.move_on_after(REQUEST_S):
        said = more = await stream.receive_some(REQUEST_BYTES_MAX)
        while more and b"\n" not in said and len(said) < REQUEST_BYTES_MAX:
            more = await stream.receive_some(REQUEST_BYTES_MAX)
            said += more
    try:
        return msgspec.json.decode(said, type=Request)
    except (ValueError, msgspec.DecodeError):
        return None


async def _send(stream: trio.SocketStream, line: bytes) -> bool:
    """Whether the client took it in time."""
    with trio.move_on_after(WRITE_S) as patience:
        await stream.send_all(line)
    return not patience.cancelled_caught
