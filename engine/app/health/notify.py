"""Talking to systemd: ready, how it is, still alive, stopping. sd_notify(3) is a datagram to a socket that it names.

The sign of life for the watchdog is sent from the loop and only while the engine is well, so an engine that hangs is
restarted. Nothing here waits or raises: a supervisor that does not listen is no reason to stop trading.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from attrs import define, field

STATUS_CHARS_MAX: Final = 200
"""``systemctl status`` shows one line."""
USEC_PER_S: Final = 1_000_000


@define(eq=False, kw_only=True)
class Notifier:
    """The socket of a supervisor; without an ``address`` it tells nobody. To be closed.

    ``watchdog_s``: within how many seconds a sign of life has to come; ``None``: nobody waits for one.
    """

    address: str | bytes | None = None
    watchdog_s: float | None = None
    _socket: socket.socket | None = field(init=False, default=None)
    _status: str = field(init=False, default="")
    _stopping: bool = field(init=False, default=False)
    _beat_s: float = field(init=False, default=float("-inf"))

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int | None = None) -> "Notifier":
        """What the environment of this process names: a path, or ``@`` and a name for an abstract socket.

        Anything else (a vsock of a virtual machine) is left alone. A watchdog that is meant for another process is not
        ours: systemd says whose it is, and children inherit variables.
        """
        path = environ.get("NOTIFY_SOCKET", "")
        address: str | bytes | None = None
        if path.startswith("/"):
            address = path
        elif path.startswith("@"):
            address = b"\0" + os.fsencode(path[1:])
        watchdog_s = None
        whose = environ.get("WATCHDOG_PID", "")
        if not whose or whose == str(os.getpid() if pid is None else pid):
            with suppress(ValueError):
                usec = int(environ.get("WATCHDOG_USEC", ""))
                watchdog_s = usec / USEC_PER_S if usec > 0 else None
        return cls(address=address, watchdog_s=watchdog_s)

    @property
    def wanted(self) -> bool:
        """Whether there is anybody to tell."""
        return self.address is not None

    def ready(self) -> None:
        """The session runs: whatever waits for it may start."""
        self._send("READY=1")

    def stopping(self) -> None:
        """The session ends in order; from here on a stop's own time limit counts. Said once."""
        if not self._stopping:
            self._stopping = True
            self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """A line for people; the same one is not sent twice."""
        line = " ".join(text.split())[:STATUS_CHARS_MAX]
        if line != self._status:
            self._status = line
            self._send(f"STATUS={line}")

    def alive(self, now_s: float) -> None:
        """A sign of life, if one is due: at half of the time within which one has to come."""
        if self.watchdog_s is not None and now_s - self._beat_s >= self.watchdog_s / 2:
            self._beat_s = now_s
            self._send("WATCHDOG=1")

    def close(self) -> None:
        """Tell nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: str) -> None:
        if self.address is None:
            return
        with suppress(OSError):
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.setblocking(False)
            self._socket.sendto(message.encode("utf-8", "backslashreplace"), self.address)
