"""What clients have asked the exchange to change: the newest requests, in the order in which they came.

Whoever sends orders claims things about what it sends (nothing twice, nothing after the kill switch); only the other
side can bear witness to that, and it must also remember what it refused, spoiled or never answered.
"""

from collections import deque
from typing import Any, Final

from attrs import field, frozen

READS: Final = frozenset({"GET", "HEAD"})
KEPT: Final = 10_000
"""Requests: fifty minutes at Alpaca's two hundred a minute."""


@frozen
class Received:
    """One request as it arrived. ``at_s`` is seconds since the epoch by this machine, ``at_ns`` is market time."""

    at_s: float
    at_ns: int
    method: str
    path: str
    body: bytes

    def told(self) -> dict[str, Any]:
        """It as plain values, the body as text."""
        return {
            "at_s": self.at_s,
            "at_ns": self.at_ns,
            "method": self.method,
            "path": self.path,
            "body": self.body.decode(errors="replace"),
        }


@frozen
class Changes:
    """The newest `KEPT` requests that would change something, whatever became of them."""

    requests: "deque[Received]" = field(factory=lambda: deque(maxlen=KEPT))

    def note(self, received: Received) -> None:
        """Remember a request, unless it only reads."""
        if received.method not in READS:
            self.requests.append(received)
