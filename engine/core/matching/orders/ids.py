"""Ids that are the same in every run: made of a seed and a counter, shaped like the venue's.

Clients parse them (an order's id is a UUID in every SDK, an event's a ULID that sorts by time), and replay compares
them, so they must neither be random nor look made up.
"""

from hashlib import blake2b
from typing import Final
from uuid import UUID

from attrs import define

_NS_PER_MS: Final = 1_000_000
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_LETTERS: Final = 26
_COUNTER_BITS: Final = 40
"""Half of a ULID's 80 free bits: a trillion events in one millisecond before the order of ids would break."""


@define
class Ids:
    """One source of ids. ``seed`` tells two exchanges apart; the counter tells everything of one exchange apart."""

    seed: int
    _made: int = 0
    _last_ms: int = 0

    def next_uuid(self) -> str:
        """An id for an order, a client's order without one, or an execution: a UUID of version 4 by its looks."""
        return str(UUID(bytes=self._digest(16), version=4))

    def next_ulid(self, ts_ns: int) -> str:
        """An id for an event at ``ts_ns``; ids sort in the order in which they were made, whatever the instants do."""
        self._last_ms = max(self._last_ms, ts_ns // _NS_PER_MS)
        noise = int.from_bytes(self._digest(5))
        number = self._last_ms << 80 | (self._made & ((1 << _COUNTER_BITS) - 1)) << 40 | noise
        return "".join(_CROCKFORD[number >> shift & 31] for shift in range(5 * (_ULID_LETTERS - 1), -1, -5))

    def _digest(self, size: int) -> bytes:
        self._made += 1
        return blake2b(f"{self.seed}/{self._made}".encode(), digest_size=size).digest()
