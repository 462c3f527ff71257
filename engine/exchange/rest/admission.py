"""Who may ask, and how often: keys as Alpaca's gateway takes them, and the budget of a minute.

Market data and trading have a budget each, as on the venue's two hosts. A refused key is answered by the gateway in
front of them, and differently by each: that of market data names no code.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import trio
from attrs import define

WINDOW_S: Final = 60.0
KEY_HEADER: Final = "apca-api-key-id"
SECRET_HEADER: Final = "apca-api-secret-key"
REMAINING: Final = "X-RateLimit-Remaining"

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values, in order."""


@define
class Budget:
    """Requests in a minute. ``wall_s`` gives seconds since the epoch, for the header that names an instant."""

    per_minute: int
    wall_s: Callable[[], float]
    _since_s: float = -WINDOW_S
    _spent: int = 0

    def spend(self) -> tuple[bool, Headers]:
        """Count a request into its minute: whether the budget holds it, and the headers that tell."""
        now_s = trio.current_time()
        if now_s - self._since_s >= WINDOW_S:
            self._since_s, self._spent = now_s, 0
        self._spent += 1
        reset_s = self.wall_s() + self._since_s + WINDOW_S - now_s
        return self._spent <= self.per_minute, (
            ("X-RateLimit-Limit", str(self.per_minute)),
            (REMAINING, str(max(self.per_minute - self._spent, 0))),
            ("X-RateLimit-Reset", str(int(reset_s) + 1)),
        )


def spent(told: Headers) -> Headers:
    """The headers of a budget, as if nothing were left of it."""
    return tuple((name, "0" if name == REMAINING else value) for name, value in told)


@define
class Gate:
    """Looks at keys. ``keys`` are the key ids and secrets accepted, ``None`` accepts any that are not empty."""

    keys: Mapping[str, str] | None

    def status(self, headers: Mapping[str, str]) -> int:
        """200 for a request that may pass, 401 for one without keys, 403 for wrong ones."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return 200 if self.keys is None or token in self.keys.values() else 403
        key, secret = headers.get(KEY_HEADER, ""), headers.get(SECRET_HEADER, "")
        if scheme.lower() == "basic":
            key, secret = _read_basic(token)
        if not key or not secret:
            return 401
        return 200 if self.keys is None or self.keys.get(key) == secret else 403


def _read_basic(token: str) -> tuple[str, str]:
    try:
        key, _, secret = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeError):
        return "", ""
    return key, secret
